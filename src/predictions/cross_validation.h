// K-fold cross-validation: what each of K trainings says of the samples that it held out, together
// every sample of the training split once (Stone 1974).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dtrain::predictions {

struct CrossValidation {
  struct Fold {
    int64_t labelled = 0, right = 0;
  };
  std::string name;  // of the trainings without their fold
  std::vector<Fold> folds;

  int64_t labelled() const;
  int64_t right() const;
  // Shares of the labelled samples: of all together, and each fold's. There are labelled samples in
  // each fold.
  double accuracy() const;
  std::vector<double> accuracies() const;
  // Of the folds' accuracies, with K - 1 below; 0 for one fold.
  double deviation() const;
};

// From the predictions of the folds. Throws Error(kData) where a sample stands in two of them, or
// one has no targets.
CrossValidation cross_validate(const std::string& name,
                               const std::vector<std::filesystem::path>& predictions);

}  // namespace dtrain::predictions
