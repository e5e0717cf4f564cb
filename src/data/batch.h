// A batch as the model sees it: the only form in which data leave this folder.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dtrain::data {

struct Batch {
  // (V * B, C, H, W), one view of all samples after the other; channels-last strides, normalised,
  // on the training device.
  at::Tensor images;
  at::Tensor targets;       // (B) int64, on the training device
  at::Tensor ids;           // (B) int64, CPU: which samples these are
  int64_t index = 0;        // number of the batch within the epoch
  int64_t global_size = 0;  // samples of this batch on all ranks together (see sampler.h)

  int64_t size() const { return ids.size(0); }  // B, 0 on a rank without a share of a short batch
  // (B, C, H, W): view `v` of every sample.
  at::Tensor view(int64_t v) const { return images.narrow(0, v * size(), size()); }
};

}  // namespace dtrain::data
