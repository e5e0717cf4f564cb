// Settings that the data decide, and what a run says of its data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/json.h"
#include "data/datasets/recognise.h"
#include "data/sample.h"
#include "run/components.h"
#include "settings/run_config.h"

namespace dtrain::run {

// Gives a value to what is left to the data: transforms.size and the way that an image is brought
// to it; model.in_channels, model.num_classes and model.stem; a loader.batch_size with which few
// images make some steps; and an optimizer.lr and schedule.warmup_epochs that suit that batch on so
// many ranks. `before` is the input of the network that the run resumes, of height 0 where there is
// none: a run of an older version does not say which size it chose.
void choose_by_data(settings::RunConfig& config,
                    const data::Dataset& train,
                    const data::Normalization& normalization,
                    const data::ImageShape& before,
                    int64_t ranks);

// Settings that neither the user nor a file gave keep the values chosen by the run that wrote
// `meta` (a checkpoint's), whatever this version or today's data would choose. The batch of a rank
// is chosen so that the global batch stays.
void keep_choices(settings::RunConfig& config, const config::Json& meta, int64_t ranks);

// What a person should know of these data (data/datasets/doubts.h), after identify().
std::vector<std::string> doubts_about(const settings::RunConfig& config, const Data& data);

// At most five lines: what was found, classes, images of each split, their size, and what is
// evaluated on.
std::vector<std::string> describe_data(const settings::RunConfig& config,
                                       const data::Settled& settled,
                                       const Data& data);

}  // namespace dtrain::run
