#include "settings/open_split.h"

#include <utility>

#include "data/datasets/open_datasets.h"
#include "data/datasets/recognise.h"
#include "util/check.h"

namespace dtrain::settings {

std::unique_ptr<data::Dataset> open_split(const RunConfig& config, const std::string& split) {
  data::DatasetConfig wanted = config.data;
  data::settle(wanted);
  if (split == "unlabeled") return data::open_dataset(wanted, data::Split::kUnlabelled);
  if (split != "eval" && split != "train") wanted.eval_split = split;
  const bool is_part = split == "train" || split == "eval";
  if (!is_part || !data::draws_splits(wanted)) {
    return data::open_dataset(wanted, split == "train" ? data::Split::kTrain : data::Split::kEval);
  }
  data::OpenedData opened = data::open_datasets(wanted, static_cast<uint64_t>(config.run.seed));
  return split == "train" ? std::move(opened.train) : std::move(opened.eval);
}

std::unique_ptr<data::Dataset> find_split(const RunConfig& config, const std::string& fingerprint) {
  for (const char* split : {"eval", "test", "validation", "train", "unlabeled"}) {
    try {
      auto dataset = open_split(config, split);
      if (dataset->fingerprint() == fingerprint) return dataset;
    } catch (const Error&) {
      continue;
    }
  }
  return nullptr;
}

}  // namespace dtrain::settings
