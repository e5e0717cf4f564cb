#include "callbacks/learning_watch.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "util/log.h"
#include "util/text.h"

namespace dtrain::callbacks {
namespace {

constexpr double kExploded = 10;          // times the loss of a guess
constexpr double kStandardErrors = 1;     // that chance may be off by
constexpr int64_t kLeastEvaluations = 2;  // the first one may come within the warm-up

}  // namespace

LearningWatch::LearningWatch(const std::vector<int64_t>& class_sizes)
    : samples_(std::accumulate(class_sizes.begin(), class_sizes.end(), int64_t{0})) {
  if (class_sizes.size() < 2 || samples_ == 0) return;
  const auto classes = double(class_sizes.size()), samples = double(samples_);
  guess_loss_ = std::log(classes);
  const auto largest = double(*std::max_element(class_sizes.begin(), class_sizes.end()));
  chance_ = std::max(1 / classes, largest / samples);
  most_by_chance_ = chance_ + kStandardErrors * std::sqrt(chance_ * (1 - chance_) / samples);
}

void LearningWatch::on_validation_end(const train::TrainState& state, train::Requests&) {
  ++evaluations_;
  if (guess_loss_ == 0) return;
  const auto loss = state.eval.find("loss"), top1 = state.eval.find("top1");
  if (loss != state.eval.end()) look_at_loss(loss->second);
  if (top1 != state.eval.end()) look_at_accuracy(top1->second / 100);
}

void LearningWatch::look_at_loss(double loss) {
  if (has_warned_of_loss_ || (std::isfinite(loss) && loss <= kExploded * guess_loss_)) return;
  has_warned_of_loss_ = true;
  util::log_warning("the evaluation loss is " + util::number(loss, "%.4g", "not finite") +
                    ", and a guess has " + util::formatted("%.3f", guess_loss_) +
                    ": the training diverges; try a lower --lr, a longer --warmup-epochs or "
                    "--clip-grad 1");
}

void LearningWatch::look_at_accuracy(double top1) {
  if (is_settled_ || most_by_chance_ >= 1) return;
  if (top1 > most_by_chance_) {
    is_settled_ = true;
    return;
  }
  if (evaluations_ < kLeastEvaluations) return;
  is_settled_ = true;
  util::log_warning(
      util::formatted("after %lld evaluations the accuracy is %.2f %%, no better than chance "
                      "(%.2f %%, up to %.2f %% on %lld samples)",
                      static_cast<long long>(evaluations_),
                      100 * top1,
                      100 * chance_,
                      100 * most_by_chance_,
                      static_cast<long long>(samples_)) +
      "; try a lower --lr or a longer --warmup-epochs, and look whether the labels are right");
}

}  // namespace dtrain::callbacks
