// Opens one split of the data of a training.
#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"
#include "settings/run_config.h"

namespace dtrain::settings {

// "eval", "train": what the training evaluated and trained on, with its hold-out or fold;
// "unlabeled" or another name: that split of the data set. No sample needs a label. Throws what
// data::open_dataset() throws.
std::unique_ptr<data::Dataset> open_split(const RunConfig& config, const std::string& split);

// The split whose content has this fingerprint; null where none has. Splits that cannot be opened
// are passed over.
std::unique_ptr<data::Dataset> find_split(const RunConfig& config, const std::string& fingerprint);

}  // namespace dtrain::settings
