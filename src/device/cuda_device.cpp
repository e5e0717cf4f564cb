// The GPU program. The only file that includes headers of CUDA or NCCL.
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "device/device.h"
#include "util/hash.h"

namespace dtrain::device {

bool supports_gpus() { return true; }

GpuProperties gpu_properties(c10::Device gpu) {
  const cudaDeviceProp* properties = at::cuda::getDeviceProperties(gpu.index());
  return {properties->name,
          util::to_hex(properties->uuid.bytes, sizeof properties->uuid.bytes),
          properties->major};
}

void select_gpu(c10::Device gpu) { c10::cuda::set_device(gpu.index()); }

void* allocate_pinned(size_t bytes, c10::Device gpu) {
  // Pinning makes a CUDA context: on the device of the training, whichever thread asks.
  const c10::cuda::CUDAGuard on_device(gpu);
  void* memory = nullptr;
  C10_CUDA_CHECK(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault));
  return memory;
}

void free_pinned(void* memory) noexcept { C10_CUDA_CHECK_WARN(cudaFreeHost(memory)); }

c10::intrusive_ptr<c10d::Backend> connect_nccl(const c10::intrusive_ptr<c10d::Store>& store,
                                               int64_t rank,
                                               int64_t size,
                                               std::chrono::milliseconds timeout) {
  // After a timeout or a lost peer: abort the communicator and leave the process alive (2), so that
  // the next operation throws and the failure is reported like any other. The default ends the
  // process from a thread of LibTorch's.
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "2", /*overwrite=*/0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(
      c10::make_intrusive<c10d::PrefixStore>("nccl", store), int(rank), int(size), options);
}

}  // namespace dtrain::device
