#include "predict/view_merge.h"

#include <ATen/ATen.h>

#include <span>

#include "predictions/predictions.h"
#include "util/check.h"

namespace dtrain::predict {
namespace {

// largest() of each row (..., K) of float32: torch's argmax would have NaN win.
at::Tensor largest_of_rows(const at::Tensor& values) {
  const at::Tensor rows = values.contiguous();
  const auto classes = size_t(rows.size(-1));
  at::Tensor found = at::empty(rows.sizes().slice(0, size_t(rows.dim() - 1)), at::kLong);
  const std::span<const float> all(rows.const_data_ptr<float>(), size_t(rows.numel()));
  for (int64_t i = 0; i < found.numel(); ++i) {
    found.mutable_data_ptr<int64_t>()[i] =
        predictions::largest(all.subspan(size_t(i) * classes, classes));
  }
  return found;
}

// The class of votes (B, K) counted, by `mean`, the mean probabilities, where several have the
// most.
at::Tensor decide(const at::Tensor& votes, const at::Tensor& mean) {
  const at::Tensor most = votes == votes.amax(1, /*keepdim=*/true);
  // Means of the same probabilities in another order differ in their last bits, which are not to
  // decide a tie; what a broken view made of the mean does not reach classes with fewer votes.
  return at::where(most, at::round(mean, /*decimals=*/12), -1.0).argmax(1);
}

}  // namespace

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
    return {only, largest_of_rows(only)};
  }
  const at::Tensor doubles = logits.to(at::kDouble);
  if (merge == ViewMerge::kLogits) {
    const at::Tensor mean = doubles.mean(1).to(at::kFloat);
    return {mean, largest_of_rows(mean)};
  }
  const at::Tensor mean = at::softmax(doubles, 2).mean(1);
  if (merge == ViewMerge::kProbabilities) {
    const at::Tensor rounded = mean.log().to(at::kFloat);
    return {rounded, largest_of_rows(rounded)};
  }
  const at::Tensor votes = at::one_hot(largest_of_rows(logits), classes).sum(1);
  return {(votes.to(at::kDouble) / double(views)).log().to(at::kFloat), decide(votes, mean)};
}

}  // namespace dtrain::predict
