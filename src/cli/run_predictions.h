// Where a file of predictions is wanted and a run is named.
#pragma once

#include <filesystem>
#include <string>

namespace dtrain::cli {

// `word` where it is a file. Of a run folder, of best or last (those of the newest run in the
// output folder) and of a checkpoint: the predictions that lie in the run. Throws
// Error(kUsage) that says how to make them where there are none, and which there are where there
// are several, and what checkpoint::find_checkpoint() throws.
std::filesystem::path predictions_of(const std::string& word);

}  // namespace dtrain::cli
