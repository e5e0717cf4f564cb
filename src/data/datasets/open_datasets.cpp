// Opens what a run trains and evaluates on.
#include "data/datasets/open_datasets.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "data/datasets/recognise.h"
#include "data/datasets/split.h"
#include "data/datasets/subset.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

// `limit` of them, evenly spread.
Indices thinned(const Indices& indices, int64_t limit) {
  const auto count = static_cast<int64_t>(indices.size());
  if (limit == 0 || limit >= count) return indices;
  Indices kept;
  for (int64_t i = 0; i < limit; ++i) {
    kept.push_back(indices[static_cast<size_t>(i * count / limit)]);
  }
  return kept;
}

Indices picked(const Indices& from, const Indices& positions) {
  Indices indices;
  for (const int64_t position : positions) indices.push_back(from[static_cast<size_t>(position)]);
  return indices;
}

void expect_labels(const Dataset& dataset, const std::string& advice) {
  int64_t missing = 0, first = 0;
  for (int64_t i = dataset.size() - 1; i >= 0; --i) {
    if (dataset.target(i) != kUnlabelled) continue;
    ++missing;
    first = i;
  }
  if (missing == 0) return;
  throw data_error("data set " + dataset.name(),
                   std::to_string(missing) + " of " + std::to_string(dataset.size()) +
                       " samples have no label, the first is " + dataset.describe(first),
                   "give them labels, or " + advice);
}

void expect_samples(const Indices& indices, const std::string& setting, const std::string& cause) {
  if (indices.empty()) throw config_error(setting, cause, "choose another value");
}

// The parts of one split, as indices into it.
class Division {
 public:
  Division(const Dataset& split, const DatasetConfig& config, uint64_t seed)
      : config_(config), seed_(seed), targets_(targets_of(split)), train_(targets_.size()) {
    std::iota(train_.begin(), train_.end(), int64_t{0});
    if (config.holdout > 0) hold_out();
    if (config.folds > 0) take_fold();
    if (config.labels_per_class > 0) {
      choose_labels(split.class_names());
    } else if (config.unlabeled == "rest") {
      set_apart_unlabelled();
    }
  }
  Indices train() const { return thinned(train_, config_.limit_train); }
  Indices eval() const { return thinned(eval_, config_.limit_eval); }
  Indices rest() const { return thinned(rest_, config_.limit_train); }

 private:
  void hold_out() {
    HoldoutSplit split = stratified_split(targets_, config_.holdout, seed_);
    train_ = std::move(split.train);
    eval_ = std::move(split.held_out);
    expect_samples(eval_, "data.holdout", "holds out nothing: no class has two samples");
  }
  void take_fold() {
    const std::vector<Indices> folds = k_folds(targets_, config_.folds, seed_);
    eval_ = folds[static_cast<size_t>(config_.fold)];
    Indices others;
    std::set_difference(
        train_.begin(), train_.end(), eval_.begin(), eval_.end(), std::back_inserter(others));
    train_ = std::move(others);
    expect_samples(eval_, "data.folds", "are more than there are labelled training samples");
  }
  void choose_labels(const std::vector<std::string>& class_names) {
    const LabelSplit split =
        labels_per_class(picked(targets_, train_), class_names, config_.labels_per_class, seed_);
    rest_ = picked(train_, split.rest);
    train_ = picked(train_, split.labelled);
  }
  void set_apart_unlabelled() {
    const auto labelled = [&](int64_t i) {
      return targets_[static_cast<size_t>(i)] != kUnlabelled;
    };
    const auto middle = std::stable_partition(train_.begin(), train_.end(), labelled);
    rest_.assign(middle, train_.end());
    train_.erase(middle, train_.end());
  }

  const DatasetConfig& config_;
  uint64_t seed_;
  std::vector<int64_t> targets_;
  Indices train_, eval_, rest_;
};

std::string eval_name(const DatasetConfig& config, const std::string& split) {
  if (config.folds == 0) return split + ", held out";
  return split + ", fold " + std::to_string(config.fold) + " of " + std::to_string(config.folds);
}

void divide(const DatasetConfig& config, uint64_t seed, OpenedData& opened) {
  DatasetConfig whole = config;
  whole.limit_train = 0;
  const std::shared_ptr<Dataset> split = open_dataset(whole, Split::kTrain);
  const Division parts(*split, config, seed);
  opened.train = std::make_unique<Subset>(split, split->name(), parts.train());
  if (holds_out(config)) {
    opened.eval = std::make_unique<Subset>(split, eval_name(config, split->name()), parts.eval());
  }
  if (config.unlabeled == "rest") {
    expect_samples(parts.rest(),
                   "data.unlabeled",
                   "is rest, but every training sample keeps its label: see "
                   "data.labels_per_class");
    opened.unlabeled = std::make_unique<Subset>(split, split->name() + ", rest", parts.rest());
  }
}

}  // namespace

bool holds_out(const DatasetConfig& config) { return config.holdout > 0 || config.folds > 0; }

bool draws_splits(const DatasetConfig& config) {
  return holds_out(config) || config.labels_per_class > 0;
}

OpenedData open_datasets(const DatasetConfig& given, uint64_t seed) {
  DatasetConfig config = given;
  settle(config);
  config::Problems problems;
  validate(config, problems);
  problems.throw_if_any("data");
  OpenedData opened;
  if (draws_splits(config) || config.unlabeled == "rest") {
    divide(config, config.split_seed < 0 ? seed : static_cast<uint64_t>(config.split_seed), opened);
  } else {
    opened.train = open_dataset(config, Split::kTrain);
  }
  if (!opened.eval) opened.eval = open_dataset(config, Split::kEval);
  if (config.unlabeled == "split") opened.unlabeled = open_dataset(config, Split::kUnlabelled);
  if (config.test_split != "none") {
    DatasetConfig tested = config;
    tested.eval_split = config.test_split;
    opened.test = open_dataset(tested, Split::kEval);
    expect_labels(*opened.test, "set data.test_split=none");
  }
  expect_labels(*opened.train, "set data.unlabeled=rest, which sets them apart");
  expect_labels(*opened.eval, "evaluate on another split");
  return opened;
}

}  // namespace dtrain::data
