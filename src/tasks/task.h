// What is learnt from a batch: the way from images and targets to a loss.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/batch.h"
#include "nn/classifier.h"

namespace dtrain::tasks {

struct TaskOutput {
  // Scalar, float32 or float64: the sum over the local batch. A sum, because only the trainer knows
  // over how many samples of how many micro-batches and ranks the mean is taken.
  at::Tensor loss_sum;
  at::Tensor logits;   // (B, K)
  at::Tensor targets;  // (B) class indices, what metrics compare the logits with
};

// A training method. The trainer calls `forward` under autocast and differentiates the loss; in
// evaluation (the model is in eval mode) it only reads the output.
class Task {
 public:
  virtual ~Task() = default;
  virtual TaskOutput forward(const data::Batch& batch, nn::Classifier& model) = 0;
};

}  // namespace dtrain::tasks
