// Which classes are taken for which, and what follows for each class.
//
//   ConfusionMatrix matrix(10);
//   matrix.add(target, predicted);                   // for every sample
//   double f1 = matrix.of_class(3).f1;
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dtrain::metrics {

// As sklearn's precision_recall_fscore_support(zero_division=0): a ratio without a denominator is
// 0.
struct ClassScores {
  int64_t support = 0;  // samples of the class
  double precision = 0, recall = 0, f1 = 0;
};

class ConfusionMatrix {
 public:
  // `classes` > 0; takes 8 * classes^2 bytes.
  explicit ConfusionMatrix(int64_t classes);

  void add(int64_t target, int64_t predicted, int64_t samples = 1) {
    counts_[index(target, predicted)] += samples;
  }

  int64_t classes() const { return classes_; }
  int64_t count(int64_t target, int64_t predicted) const {
    return counts_[index(target, predicted)];
  }
  int64_t samples() const;
  double accuracy() const;  // 0 to 1; NaN without samples

  ClassScores of_class(int64_t k) const;
  // Means over classes: `macro` of all alike, which counts classes that never occur as 0;
  // `weighted` by support. Their support is that of all.
  ClassScores macro() const;
  ClassScores weighted() const;

 private:
  size_t index(int64_t target, int64_t predicted) const {
    return static_cast<size_t>(target * classes_ + predicted);
  }
  int64_t classes_;
  std::vector<int64_t> counts_;  // (K, K), a row for each target
};

}  // namespace dtrain::metrics
