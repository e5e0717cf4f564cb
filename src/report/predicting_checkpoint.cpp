#include "report/predicting_checkpoint.h"

#include <algorithm>

#include "checkpoint/checkpoint_folder.h"
#include "checkpoint/resume.h"
#include "settings/run_config.h"
#include "settings/run_folder.h"
#include "util/check.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;

// A prediction's fingerprint of the weights is the checksum of the file that held them.
bool holds_weights(const fs::path& checkpoint, const std::string& fingerprint) {
  const checkpoint::Manifest manifest = checkpoint::read_manifest(checkpoint);
  return std::any_of(manifest.files.begin(), manifest.files.end(), [&](const auto& one) {
    return one.hash == fingerprint;
  });
}

}  // namespace

std::optional<fs::path> predicting_checkpoint(const predictions::PredictionsFile& file,
                                              const std::string& request) {
  const predictions::PredictionsHeader& header = file.header();
  if (!request.empty()) {
    const fs::path checkpoint = checkpoint::find_checkpoint(request, settings::RunSection().output);
    if (holds_weights(checkpoint, header.model_fingerprint)) return checkpoint;
    throw data_error(
        "checkpoint " + checkpoint.string(),
        "has other weights than those that made " + file.path().string() + ", " + header.checkpoint,
        "name that one, or predict with this one first");
  }
  const std::string name = fs::path(header.checkpoint).filename().string();
  if (!name.starts_with("step-")) return std::nullopt;
  const settings::RunFolder folder{fs::absolute(file.path()).parent_path()};
  const fs::path checkpoint = folder.checkpoints() / name;
  if (!fs::exists(checkpoint / "manifest.json")) return std::nullopt;
  if (!holds_weights(checkpoint, header.model_fingerprint)) return std::nullopt;
  return checkpoint;
}

}  // namespace dtrain::report
