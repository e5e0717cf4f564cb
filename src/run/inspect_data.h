// What the network gets to see: augmented samples on a contact sheet.
#pragma once

#include <filesystem>
#include <string>

#include "settings/run_config.h"

namespace dtrain::run {

// Writes a PNG with twelve samples of the training split, evenly spread, one a row: first as
// evaluation sees it, then as `views` names: "train" (as the first epochs of this run show it),
// "weak_strong", or a list of views for test-time augmentation (data/transforms/tta.h). Returns a
// line of text for each sample.
std::string write_contact_sheet(const settings::RunConfig& config,
                                const std::string& views,
                                const std::filesystem::path& path);

}  // namespace dtrain::run
