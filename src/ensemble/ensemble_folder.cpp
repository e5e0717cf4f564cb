#include "ensemble/ensemble_folder.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "checkpoint/checkpoint_folder.h"
#include "config/json.h"
#include "settings/run_folder.h"
#include "util/atomic_file.h"
#include "util/folder_link.h"
#include "util/folder_lock.h"
#include "util/hash.h"

namespace dtrain::ensemble {
namespace {

namespace fs = std::filesystem;
using config::Json;

constexpr int64_t kFinishedVersion = 2;

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

struct Changes {
  std::string refused;   // no training goes on with these
  std::string resumed;   // one goes on, and comes further
  std::string rounding;  // a training anew would differ in rounding at most
};

int64_t number_of(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

// Limits to the length of a training, of which 0 is none: whether the new one is longer.
bool is_longer(const config::Difference& limit) {
  const int64_t before = number_of(limit.left), now = number_of(limit.right);
  return now == 0 || (before != 0 && now > before);
}

Changes changes_of(const settings::RunConfig& before, const settings::RunConfig& now) {
  Changes changes;
  for (const config::Difference& one : settings::differences(before, now)) {
    const bool is_limit =
        one.path == "train.max_steps" || one.path == "train.patience" || one.path == "run.epochs";
    // Older records have no such option, which is read as false.
    if (one.path == "ema.warmup" && !before.ema.enabled && !now.ema.enabled) continue;
    std::string* text = &changes.refused;
    const bool has_fixed_ends = one.path == "run.epochs" && now.schedule.cycles > 1;
    if (is_limit && is_longer(one) && !has_fixed_ends) text = &changes.resumed;
    if (one.effect == config::kRounding) text = &changes.rounding;
    if (one.path == "loader.eval_batch_size") text = &changes.rounding;
    // A resume may change these, a member that is finished would have become another one.
    const bool decides =
        one.path == "model.initial_checkpoint" || one.path == "train.eval_interval";
    const bool is_free = one.effect == config::kFree && !is_limit && !decides;
    if (is_free && text == &changes.refused) continue;
    *text += (text->empty() ? "" : ", ") + one.path + " was " + one.left + " and is " + one.right;
  }
  return changes;
}

// What predictions depend on besides the member itself.
Json predicting_settings(const EnsembleConfig& config, const EnsembleMember& member) {
  const EnsembleSection& ensemble = config.ensemble;
  return {{"checkpoint", ensemble.checkpoint},
          {"split", ensemble.split},
          {"validation", ensemble.validation},
          {"views", ensemble.views},
          {"calibrate", ensemble.calibrate},
          {"snapshots", member.snapshots}};
}

// Which checkpoints predicted, and what was in them: the manifest has the checksums of the weights.
Json checkpoint_record(const std::vector<fs::path>& checkpoints) {
  Json record = Json::object();
  for (const fs::path& path : checkpoints) {
    record[path.filename().string()] = hash_of(path / "manifest.json");
  }
  return record;
}

}  // namespace

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

std::vector<fs::path> predicting_checkpoints(const EnsembleConfig& config,
                                             const EnsembleMember& member) {
  const fs::path folder = EnsembleFolder{config.ensemble.output}.member(member);
  const fs::path checkpoints = folder / "checkpoints";
  const auto lost = [&](const std::string& what) {
    return io_error("member " + member.name,
                    what + " is gone",
                    "remove " + folder.string() + " to train it again");
  };
  if (member.snapshots == 1) {
    const fs::path link = checkpoints / config.ensemble.checkpoint;
    const fs::path path = util::followed(link);
    if (!fs::is_directory(path)) throw lost("the checkpoint " + link.string());
    return {path};
  }
  std::vector<fs::path> found(size_t(member.snapshots));
  const int64_t cycle = member.config.run.epochs / member.snapshots;
  for (const fs::path& path : checkpoint::list_checkpoints(checkpoints)) {
    checkpoint::Position position;
    try {
      position = checkpoint::read_manifest(path).position;
    } catch (const Error&) {
      continue;  // if it is one of those that predict, that one is missing
    }
    if (position.batch != 0 || position.epoch % cycle != 0 || position.epoch == 0) continue;
    found[size_t(position.epoch / cycle - 1)] = path;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].empty()) throw lost("the checkpoint at the end of cycle " + std::to_string(i + 1));
  }
  return found;
}

void write_finished(const EnsembleConfig& config, const EnsembleMember& member) {
  Json record;
  record["format"] = "dtrain-ensemble-member";
  record["version"] = kFinishedVersion;
  record["config"] = Json::parse(settings::effective_config(member.config));
  record["ranks"] = ranks_of(config, member);
  record["predicting"] = predicting_settings(config, member);
  record["checkpoints"] = checkpoint_record(predicting_checkpoints(config, member));
  for (const fs::path& file : files_of(config, member)) {
    record["files"][file.filename().string()] = hash_of(file);
  }
  util::write_file_atomic(record_of(config, member), record.dump(2) + "\n");
}

namespace {

// What the record of a finished member says of the member's settings. Throws Json::exception where
// it is damaged.
Changes changes_since(const EnsembleConfig& config,
                      const EnsembleMember& member,
                      const Json& record) {
  const std::string name = record_of(config, member).string();
  Changes changes =
      changes_of(settings::parse_effective_config(record.at("config").dump(), name), member.config);
  if (record.at("ranks") != ranks_of(config, member)) {
    changes.refused += (changes.refused.empty() ? "" : ", ") + std::string("its ranks were ") +
                       record.at("ranks").dump() + " and are " +
                       std::to_string(ranks_of(config, member));
  }
  return changes;
}

// Empty: they are all there and sound. Throws Json::exception where the record is damaged.
std::string problem_of_predictions(const EnsembleConfig& config,
                                   const EnsembleMember& member,
                                   const std::vector<fs::path>& checkpoints,
                                   const Json& record) {
  if (record.at("predicting") != predicting_settings(config, member) ||
      record.at("checkpoints") != checkpoint_record(checkpoints)) {
    return "its predictions were made with other settings or checkpoints";
  }
  for (const fs::path& file : files_of(config, member)) {
    const std::string name = file.filename().string();
    if (!fs::exists(file) || record.at("files").value(name, "") != hash_of(file)) {
      return name + " is missing or damaged";
    }
  }
  return "";
}

MemberCondition condition_by(const EnsembleConfig& config,
                             const EnsembleMember& member,
                             const Json& record) {
  if (record.at("version") != kFinishedVersion) {
    return {.problem = record_of(config, member).string() + " was written by another version"};
  }
  const Changes changes = changes_since(config, member, record);
  if (!changes.refused.empty()) {
    throw config_error("member " + member.name,
                       "is finished, but with other settings: " + changes.refused,
                       "use another ensemble.output, or remove " +
                           record_of(config, member).parent_path().string());
  }
  if (!changes.resumed.empty()) return {.problem = "it goes on: " + changes.resumed};
  std::vector<fs::path> checkpoints;
  try {
    checkpoints = predicting_checkpoints(config, member);
    for (const fs::path& path : checkpoints) checkpoint::verify_checkpoint(path);
  } catch (const Error& error) {
    return {.is_damaged = true, .problem = error.what()};
  }
  MemberCondition condition;
  condition.problem = problem_of_predictions(config, member, checkpoints, record);
  condition.is_finished = condition.problem.empty();
  if (!changes.rounding.empty()) condition.note = "is kept as it is: " + changes.rounding;
  return condition;
}

}  // namespace

MemberCondition condition_of(const EnsembleConfig& config, const EnsembleMember& member) {
  const fs::path path = record_of(config, member);
  if (!fs::exists(path)) return {};
  Json record;
  try {
    record = config::read_json_file(path.string()).root;
  } catch (const Error& error) {
    return {.problem = error.what()};
  }
  try {
    return condition_by(config, member, record);
  } catch (const Json::exception&) {
    return {.problem = path.string() + " is damaged"};
  }
}

fs::path put_aside(const EnsembleConfig& config, const EnsembleMember& member) {
  const fs::path folder = EnsembleFolder{config.ensemble.output}.member(member);
  const util::FolderLock lock(folder, "training in");
  fs::path aside;
  for (int64_t i = 1; aside.empty() || fs::exists(aside); ++i) {
    aside = folder.string() + ".damaged-" + std::to_string(i);
  }
  util::rename_path(folder, aside);
  return aside;
}

}  // namespace dtrain::ensemble
