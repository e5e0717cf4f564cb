// All that differs between the CPU program and the GPU program. Both are linked from the same
// objects but for one file of this folder: cpu_device.cpp or cuda_device.cpp, and only the second
// sees CUDA's headers. What LibTorch offers for any device (streams, events, copies) is used
// directly elsewhere.
#pragma once

#include <c10/core/Device.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "device/flavour.h"

namespace dtrain::device {

// The functions that speak of a GPU throw std::logic_error in a program without supports_gpus().

struct GpuProperties {
  std::string name;        // "NVIDIA H100 80GB HBM3"
  std::string uuid;        // 32 hexadecimal digits; tells a GPU from every other one
  int64_t generation = 0;  // the first number of its compute capability; 8 multiplies bfloat16
};
GpuProperties gpu_properties(c10::Device gpu);

// The GPU that this process trains on: what follows runs there unless it names another.
void select_gpu(c10::Device gpu);

// Page-locked memory, from which a GPU copies while the CPU works; free with free_pinned(). Any
// thread.
void* allocate_pinned(size_t bytes, c10::Device gpu);
void free_pinned(void* memory) noexcept;

// NCCL between `size` ranks that meet in the store. Collective. Throws what LibTorch throws.
c10::intrusive_ptr<c10d::Backend> connect_nccl(const c10::intrusive_ptr<c10d::Store>& store,
                                               int64_t rank,
                                               int64_t size,
                                               std::chrono::milliseconds timeout);

}  // namespace dtrain::device
