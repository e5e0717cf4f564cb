// Test-time augmentation: the logits of several views of a sample become one prediction.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace dtrain::predict {

enum class ViewMerge {
  kProbabilities,  // the mean of the views' probabilities
  kLogits,         // the mean of their logits
  kVote,           // the class that most views say; of equals the one with the larger mean
                   // probability, then the lowest
};
ViewMerge parse_view_merge(const std::string& name);  // "probabilities", "logits", "vote"
std::string method_of(ViewMerge merge);               // for the header of predictions

struct MergedViews {
  at::Tensor logits;     // (B, K) float32; their softmax is the mean, or the share of the votes
  at::Tensor predicted;  // (B) int64: of a mean the largest of `logits`, the lowest class of equals
};

// `logits` is (B, V, K), CPU; one view stays as it is. Computed in double; the row of a sample
// depends on that sample alone.
MergedViews merge_views(const at::Tensor& logits, ViewMerge merge);

}  // namespace dtrain::predict
