#include "predictions/cross_validation.h"

#include <cmath>
#include <map>

#include "data/sample.h"
#include "predictions/predictions.h"
#include "util/check.h"

namespace dtrain::predictions {

int64_t CrossValidation::labelled() const {
  int64_t sum = 0;
  for (const Fold& fold : folds) sum += fold.labelled;
  return sum;
}

int64_t CrossValidation::right() const {
  int64_t sum = 0;
  for (const Fold& fold : folds) sum += fold.right;
  return sum;
}

double CrossValidation::accuracy() const { return double(right()) / double(labelled()); }

std::vector<double> CrossValidation::accuracies() const {
  std::vector<double> all;
  for (const Fold& fold : folds) all.push_back(double(fold.right) / double(fold.labelled));
  return all;
}

double CrossValidation::deviation() const {
  if (folds.size() < 2) return 0;
  const std::vector<double> all = accuracies();
  double mean = 0, squares = 0;
  for (const double value : all) mean += value / double(all.size());
  for (const double value : all) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / double(all.size() - 1));
}

CrossValidation cross_validate(const std::string& name,
                               const std::vector<std::filesystem::path>& predictions) {
  CrossValidation out{.name = name, .folds = {}};
  std::map<int64_t, size_t> fold_of;  // a sample's id -> where it was seen
  for (size_t k = 0; k < predictions.size(); ++k) {
    const PredictionsFile file(predictions[k]);
    const PredictionsIndex& index = file.index();
    CrossValidation::Fold fold;
    for (size_t i = 0; i < index.ids.size(); ++i) {
      const auto [seen, is_new] = fold_of.emplace(index.ids[i], k);
      if (!is_new) {
        throw data_error("cross-validation " + name,
                         "sample " + std::to_string(index.ids[i]) + " was held out twice, in " +
                             predictions[seen->second].string() + " and in " +
                             predictions[k].string(),
                         "name predictions of the folds of one division");
      }
      if (index.targets[i] == data::kUnlabelled) continue;
      ++fold.labelled;
      fold.right += index.predicted[i] == index.targets[i] ? 1 : 0;
    }
    if (fold.labelled == 0) {
      throw data_error("cross-validation " + name,
                       predictions[k].string() + " has no sample with a target",
                       "name predictions of labelled samples");
    }
    out.folds.push_back(fold);
  }
  return out;
}

}  // namespace dtrain::predictions
