// What is left behind of an update whose loss or gradients were not finite.
#pragma once

#include <filesystem>

#include "train/update_guard.h"

namespace dtrain::callbacks {

// Writes `folder`/step-<step>-rank<r>.json (step, samples, loss, loss scale, learning rate) and
// .png (the last micro-batch as the model saw it). Makes the folder. Error(kIo).
void write_failed_update(const std::filesystem::path& folder, const train::FailedUpdate& failed);

}  // namespace dtrain::callbacks
