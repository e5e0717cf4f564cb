// The CPU program: no GPU is supported, and whoever asks for one has overlooked supports_gpus().
#include <stdexcept>

#include "device/device.h"

namespace dtrain::device {
namespace {

[[noreturn]] void refuse(const char* what) {
  throw std::logic_error(std::string(what) + " was called in a program without GPU support");
}

}  // namespace

bool supports_gpus() { return false; }
GpuProperties gpu_properties(c10::Device) { refuse("gpu_properties"); }
void select_gpu(c10::Device) { refuse("select_gpu"); }
void* allocate_pinned(size_t, c10::Device) { refuse("allocate_pinned"); }
void free_pinned(void*) noexcept {}

c10::intrusive_ptr<c10d::Backend> connect_nccl(const c10::intrusive_ptr<c10d::Store>&,
                                               int64_t,
                                               int64_t,
                                               std::chrono::milliseconds) {
  refuse("connect_nccl");
}

}  // namespace dtrain::device
