// The last stage of the data: u8 in host memory -> normalised floating point on the training
// device.
//
// Note [Host to device]
// CPU: one pass over the batch, a table of 256 values per channel, so that x / 255, - mean and /
// std are exact (bit for bit what torchvision's ToTensor and Normalize give) and cost one load.
// CUDA: slots are pinned; while the model works on batch k, batch k + 1 is copied on a stream of
// its own and normalised there. Its slot goes back to the loader only after that copy has ended,
// and the tensors are recorded on the stream that uses them, so the allocator keeps their memory
// until it is done with.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "data/batch.h"
#include "data/loader/data_loader.h"
#include "data/transforms/factory.h"

namespace dtrain::data {

// (B, H, W, C) u8 at `images` -> (B, C, H, W) of `dtype` (float32 or float64) with channels-last
// strides, (x / 255 - mean) / std in the arithmetic of `dtype`. CPU.
at::Tensor normalize_images(const uint8_t* images,
                            int64_t size,
                            const ImageShape& shape,
                            const Normalization& normalization,
                            at::ScalarType dtype);

// Where the loader's slots have to lie for `device`: pinned memory for CUDA.
SlotAllocator& slot_allocator_for(c10::Device device);

// Owns nothing but its stream: the loader is borrowed, used by this object only, and must have got
// its slots from slot_allocator_for(device).
//
//   DataLoader loader(*dataset, sampler, transforms, options, slot_allocator_for(device));
//   DevicePrefetcher batches(loader, normalization, device);
//   batches.start_epoch(epoch, first_batch);
//   while (std::optional<Batch> batch = batches.next()) train_step(*batch);
class DevicePrefetcher {
 public:
  DevicePrefetcher(DataLoader& loader,
                   Normalization normalization,
                   c10::Device device,
                   at::ScalarType dtype = at::kFloat);
  ~DevicePrefetcher();

  // As DataLoader has them; what next() returns belongs to the caller.
  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  std::optional<Batch> next();

  const Sampler& sampler() const { return loader_.sampler(); }

 private:
  DataLoader& loader_;
  struct Impl;     // CPU
  struct GpuImpl;  // any device with streams of its own
  std::unique_ptr<Impl> impl_;
};

}  // namespace dtrain::data
