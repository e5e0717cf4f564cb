#include "ensemble/ensemble_folder.h"

#include <algorithm>
#include <utility>

#include "config/json.h"
#include "data/datasets/open_datasets.h"
#include "run/run_folder.h"
#include "run/snapshot.h"
#include "train/checkpoint_folder.h"
#include "util/atomic_file.h"
#include "util/hash.h"

namespace dtrain::ensemble {
namespace {

namespace fs = std::filesystem;
using config::Json;

constexpr int64_t kFinishedVersion = 1;

fs::path record_of(const EnsembleConfig& config, const EnsembleMember& member) {
  return EnsembleFolder{config.ensemble.output}.member(member) / "finished.json";
}

std::string hash_of(const fs::path& path) {
  util::Hasher hasher;
  util::read_pieces(path, [&](std::string_view piece) { hasher.update(piece); });
  return hasher.hex();
}

std::vector<fs::path> files_of(const EnsembleConfig& config, const EnsembleMember& member) {
  std::vector<fs::path> files;
  for (const MemberPredictions& one : predictions_of(config, member)) {
    files.push_back(one.voted);
    if (!one.validation.empty()) files.push_back(one.validation);
  }
  return files;
}

// Settings whose values differ and that change the result.
std::string differing_settings(const run::RunConfig& before, const run::RunConfig& now) {
  std::string text;
  for (const config::Difference& difference : run::differences(before, now)) {
    if (run::is_free_setting(difference.path)) continue;
    text += (text.empty() ? "" : ", ") + difference.path + " was " + difference.left + " and is " +
            difference.right;
  }
  return text;
}

}  // namespace

bool validates_apart(const EnsembleSection& ensemble, const EnsembleMember& member) {
  if (ensemble.validation == "none") return false;
  // eval is a split of its own where the training holds samples out.
  const auto split = [&](const std::string& name) {
    const data::DatasetConfig& data = member.config.data;
    return name == "eval" && !data::draws_splits(data) ? data.eval_split : name;
  };
  return split(ensemble.validation) != split(ensemble.split);
}

std::vector<MemberPredictions> predictions_of(const EnsembleConfig& config,
                                              const EnsembleMember& member) {
  const fs::path folder = EnsembleFolder{config.ensemble.output}.member(member);
  const EnsembleSection& ensemble = config.ensemble;
  std::vector<MemberPredictions> all;
  for (int64_t i = 1; i <= member.snapshots; ++i) {
    const std::string number = member.snapshots == 1 ? "" : "-" + std::to_string(i);
    MemberPredictions one;
    one.name = member.name + (member.snapshots == 1 ? "" : "@" + std::to_string(i));
    one.voted = folder / ("predictions-" + ensemble.split + number + ".h5");
    if (ensemble.validation != "none") {
      one.validation = folder / ("predictions-" + ensemble.validation + number + ".h5");
    }
    all.push_back(std::move(one));
  }
  return all;
}

void write_finished(const EnsembleConfig& config, const EnsembleMember& member) {
  Json record;
  record["format"] = "dtrain-ensemble-member";
  record["version"] = kFinishedVersion;
  record["config"] = Json::parse(run::effective_config(member.config));
  record["checkpoint"] = config.ensemble.checkpoint;
  record["views"] = config.ensemble.views;
  record["calibrate"] = config.ensemble.calibrate;
  for (const fs::path& file : files_of(config, member)) {
    record["files"][file.filename().string()] = hash_of(file);
  }
  util::write_file_atomic(record_of(config, member), record.dump(2) + "\n");
}

bool is_finished(const EnsembleConfig& config, const EnsembleMember& member, std::string* why) {
  const fs::path record_path = record_of(config, member);
  if (!fs::exists(record_path)) {
    *why = "not finished";
    return false;
  }
  const auto unsound = [&](const std::string& cause) {
    *why = cause;
    return false;
  };
  std::string changed;
  try {
    const Json record = config::read_json_file(record_path.string()).root;
    changed = differing_settings(
        run::parse_effective_config(record.at("config").dump(), record_path.string()),
        member.config);
    train::verify_checkpoint(record_path.parent_path() / "checkpoints" /
                             config.ensemble.checkpoint);
    if (record.at("checkpoint") != config.ensemble.checkpoint ||
        record.at("views") != config.ensemble.views ||
        record.at("calibrate") != config.ensemble.calibrate) {
      return unsound("its predictions were made with other settings");
    }
    for (const fs::path& file : files_of(config, member)) {
      const std::string name = file.filename().string();
      if (!fs::exists(file) || record.at("files").value(name, "") != hash_of(file)) {
        return unsound(name + " is missing or damaged");
      }
    }
  } catch (const Json::exception&) {
    return unsound(record_path.string() + " is damaged");
  } catch (const Error& error) {
    return unsound(error.what());
  }
  if (!changed.empty()) {
    throw config_error(
        "member " + member.name,
        "is finished, but with other settings: " + changed,
        "use another ensemble.output, or remove " + record_path.parent_path().string());
  }
  return true;
}

}  // namespace dtrain::ensemble
