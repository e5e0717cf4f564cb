// Runs a network over a data set on all ranks: every sample once, in the order of the data set.
//
// Note [The same bits on any number of ranks]
// A sample's logits can depend, in their last bits, on the batch that it is computed in. So batches
// are cut as on one rank and dealt to the ranks in turn (Sampler::prediction); nothing else differs
// between numbers of ranks. Batch norm uses its running statistics.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "data/loader/device_prefetcher.h"
#include "dist/process_group.h"

namespace dtrain::predict {

// Images (B, C, H, W) on the device -> logits (B, K), under whatever precision.
using Forward = std::function<at::Tensor(const at::Tensor& images)>;

struct PredictedBatch {
  int64_t first = 0;  // index of its first sample in the data set; the others follow
  at::Tensor ids;     // (B) int64, CPU
  at::Tensor logits;  // (B, V, K) float32, CPU, contiguous: of each view of each sample
};

class Predictor {
 public:
  // `batches` must have been made with Sampler::prediction for the ranks of `control`, each with
  // `views` views of a sample. Borrows both.
  Predictor(Forward forward,
            data::DevicePrefetcher& batches,
            const dist::ProcessGroup& control,
            int64_t samples,
            int64_t batch_size,
            int64_t views,
            int64_t classes);

  // Collective. On rank 0 `take` gets every batch, in order. Batches travel as they are computed,
  // so memory does not grow with the data set. Throws what `take` throws, and Error(kRetry) or
  // PeerFailed where a rank is lost.
  void run(const std::function<void(const PredictedBatch&)>& take);

 private:
  PredictedBatch predict_one(int64_t first) const;
  int64_t size_of(int64_t batch) const;  // 0 behind the last one

  Forward forward_;
  data::DevicePrefetcher& batches_;
  const dist::ProcessGroup& control_;
  int64_t samples_, batch_size_, views_, classes_;
};

}  // namespace dtrain::predict
