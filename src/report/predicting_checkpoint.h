// The checkpoint whose weights made a file of predictions.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "predictions/predictions.h"

namespace dtrain::report {

// `request` as find_checkpoint() takes it; empty: the checkpoint that the file's header names, in
// the run folder that the file lies in, or nothing where it is not there, as for a vote. Throws
// Error(kData) where the checkpoint that was asked for has other weights, Error(kIo) where it
// cannot be read.
std::optional<std::filesystem::path> predicting_checkpoint(const predictions::PredictionsFile& file,
                                                           const std::string& request);

}  // namespace dtrain::report
