#include "inference/view_merge.h"

#include <ATen/ATen.h>

#include "util/check.h"

namespace dtrain::inference {

ViewMerge parse_view_merge(const std::string& name) {
  if (name == "probabilities") return ViewMerge::kProbabilities;
  if (name == "logits") return ViewMerge::kLogits;
  check(name == "vote", "the setting was checked");
  return ViewMerge::kVote;
}

std::string method_of(ViewMerge merge) {
  switch (merge) {
    case ViewMerge::kProbabilities:
      return "mean of probabilities over views";
    case ViewMerge::kLogits:
      return "mean of logits over views";
    case ViewMerge::kVote:
      break;
  }
  return "vote of views";
}

MergedViews merge_views(const at::Tensor& logits, ViewMerge merge) {
  const int64_t views = logits.size(1), classes = logits.size(2);
  if (views == 1) {
    const at::Tensor only = logits.select(1, 0).contiguous();
    return {only, only.argmax(1)};
  }
  const at::Tensor doubles = logits.to(at::kDouble);
  if (merge == ViewMerge::kLogits) {
    const at::Tensor mean = doubles.mean(1);
    return {mean.to(at::kFloat), mean.argmax(1)};
  }
  const at::Tensor mean = at::softmax(doubles, 2).mean(1);
  if (merge == ViewMerge::kProbabilities) {
    return {mean.log().to(at::kFloat), mean.argmax(1)};
  }
  const at::Tensor votes = at::one_hot(doubles.argmax(2), classes).sum(1);
  // Half a mean probability is less than a vote.
  return {(votes.to(at::kDouble) / double(views)).log().to(at::kFloat),
          (votes + mean / 2).argmax(1)};
}

}  // namespace dtrain::inference
