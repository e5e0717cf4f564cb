// Warns of a training that does not learn.
#pragma once

#include <cstdint>
#include <vector>

#include "train/callback.h"

namespace dtrain::callbacks {

// Warns once each, with what to try, where
//   - the evaluation loss is not finite, or above ten times ln(classes), that of a guess;
//   - from the second evaluation on, top-1 accuracy has never been above chance: above the larger
//     one of 1 / classes and the share of the largest class, by more than one standard error of
//     as many samples. Once it was, nothing is said any more.
// A task of a single class has neither.
class LearningWatch : public train::Callback {
 public:
  // The evaluation's samples of each class; one entry for each class of the network.
  explicit LearningWatch(const std::vector<int64_t>& class_sizes);
  void on_validation_end(const train::TrainState& state, train::Requests& requests) override;

 private:
  void look_at_loss(double loss);
  void look_at_accuracy(double top1);

  double guess_loss_ = 0;                   // ln(classes)
  double chance_ = 1, most_by_chance_ = 1;  // of accuracy, as shares
  int64_t samples_ = 0, evaluations_ = 0;
  bool has_warned_of_loss_ = false;
  bool is_settled_ = false;  // has learnt something, or was warned of
};

}  // namespace dtrain::callbacks
