#include "cli/run_predictions.h"

#include <algorithm>
#include <vector>

#include "checkpoint/resume.h"
#include "settings/run_config.h"
#include "settings/run_folder.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::cli {
namespace {

namespace fs = std::filesystem;

fs::path run_of(const std::string& word) {
  if (fs::exists(settings::RunFolder{word}.config())) return word;
  const fs::path checkpoint = checkpoint::find_checkpoint(word, settings::RunSection().output);
  const auto run = settings::run_folder_of(checkpoint);
  return run ? run->path : checkpoint;
}

std::vector<std::string> predictions_in(const fs::path& run) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("predictions-") && name.ends_with(".h5")) {
      found.push_back(entry.path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

fs::path predictions_of(const std::string& word) {
  const bool is_word = (word == "best" || word == "last") && !fs::exists(word);
  if (!is_word && !fs::is_directory(word)) return word;
  const fs::path run = run_of(word);
  const std::vector<std::string> found = predictions_in(run);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    throw usage_error(
        run.string(), "has no predictions", "make them: dtrain predict " + run.string());
  }
  throw usage_error(run.string(),
                    "has several files of predictions: " + util::joined(found, ", "),
                    "name one of them");
}

}  // namespace dtrain::cli
