#include "predict/predict_outputs.h"

#include <map>

#include "settings/run_folder.h"
#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::predict {
namespace {

namespace fs = std::filesystem;

fs::path path_of(const fs::path& checkpoint,
                 const std::string& split,
                 const std::string& output,
                 bool is_alone) {
  const auto run = settings::run_folder_of(checkpoint);
  if (!output.empty() && is_alone) return output;
  if (!output.empty()) {
    const fs::path named = run ? run->path : checkpoint;
    return fs::path(output) / (named.filename().string() + ".h5");
  }
  const std::string name = "predictions-" + split + ".h5";
  return run ? run->path / name : fs::path(name);
}

// "runs/x/predictions-eval.h5" -> "runs/x/predictions-eval-step-00000120.h5"
fs::path with_name(const fs::path& path, const fs::path& checkpoint) {
  return path.parent_path() /
         (path.stem().string() + "-" + checkpoint.filename().string() + path.extension().string());
}

Error collision(const NamedCheckpoint& one, const NamedCheckpoint& other, const fs::path& path) {
  const bool is_same = one.path == other.path;
  return usage_error("--checkpoint",
                     one.request + " and " + other.request +
                         (is_same ? " are the same checkpoint, " + one.path.string()
                                  : " would both be written to " + path.string()),
                     is_same ? "name it once" : "predict with one at a time, each to its --output");
}

}  // namespace

std::vector<fs::path> prediction_paths(const std::vector<NamedCheckpoint>& checkpoints,
                                       const std::string& split,
                                       const std::string& output,
                                       const std::vector<CsvTable>& tables) {
  std::vector<fs::path> paths;
  std::map<fs::path, int> count;
  for (const NamedCheckpoint& one : checkpoints) {
    paths.push_back(path_of(one.path, split, output, checkpoints.size() == 1));
    ++count[util::whole_path(paths.back())];
  }
  std::map<fs::path, size_t> taken;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (count[util::whole_path(paths[i])] > 1) paths[i] = with_name(paths[i], checkpoints[i].path);
    const auto [other, is_new] = taken.emplace(util::whole_path(paths[i]), i);
    if (!is_new) throw collision(checkpoints[other->second], checkpoints[i], paths[i]);
    for (const CsvTable& table : tables) {
      if (table.file.empty() || !util::same_path(table.file, paths[i])) continue;
      throw usage_error(table.flag,
                        "would replace the predictions in " + paths[i].string(),
                        "choose another name for one of them");
    }
  }
  return paths;
}

}  // namespace dtrain::predict
