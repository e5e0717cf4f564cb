#include "ensemble/ensemble_run.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "dist/mpi_work_queue.h"
#include "ensemble/ensemble_folder.h"
#include "ensemble/ensemble_plan.h"
#include "ensemble/ensemble_progress.h"
#include "ensemble/ensemble_vote.h"
#include "inference/calibration_record.h"
#include "run/predict_run.h"
#include "run/train_run.h"
#include "train/checkpoint_folder.h"
#include "util/atomic_file.h"
#include "util/log.h"

namespace dtrain::ensemble {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeed = 0;  // of the halves that a calibration is reported on

// How a member ended on one rank: code, cause and so on, for the others; empty: well.
struct Outcome {
  std::string text;  // "<code>\n<what>\n<cause>\n<advice>"
  bool is_own = false;

  static Outcome of(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const dist::PeerFailed& error) {
      return {text_of(error), false};
    } catch (const Error& error) {
      return {text_of(error), true};
    } catch (const std::exception& error) {
      const std::string what = error.what();
      return {text_of(Error(
                  ExitCode::kGaveUp, "unexpected failure", what.substr(0, what.find('\n')), "")),
              true};
    }
  }
  static std::string text_of(const Error& error) {
    std::string places;
    for (const std::string& place : error.places()) places += ", " + place;
    return std::to_string(int(error.code())) + "\n" + error.subject() + places + "\n" +
           error.cause() + "\n" + error.advice();
  }
  static Error error_of(const std::string& text) {
    std::istringstream in(text);
    std::string code, what, cause, advice;
    std::getline(in, code);
    std::getline(in, what);
    std::getline(in, cause);
    std::getline(in, advice);
    return {ExitCode(std::stoi(code)), what, cause, advice};
  }
};

// What rank 0 knows of all groups.
class Coordinator {
 public:
  Coordinator(const EnsembleConfig& config,
              const std::vector<int64_t>& groups,
              const std::vector<bool>& done,
              util::Log& log)
      : config_(config), progress_(config, log), plan_(costs_of(config), groups, done) {
    for (size_t i = 0; i < done.size(); ++i) {
      if (done[i]) progress_.set(i, MemberState::kFinished, "was finished before");
    }
  }

  // "<group>\n<member>\n<outcome>" of what the group did; a member of -1: nothing yet.
  std::string answer(const std::string& text) {
    std::istringstream in(text);
    std::string group, member, outcome;
    std::getline(in, group);
    std::getline(in, member);
    std::getline(in, outcome, '\0');
    if (member != "-1") note(size_t(std::stoll(member)), outcome);
    const auto next = plan_.next(std::stoll(group));
    if (!next) return "-1";
    progress_.set(size_t(*next), MemberState::kTraining, "by group " + group);
    return std::to_string(*next);
  }

  std::vector<FailedMember> failed() const { return failed_; }
  std::string table() const { return progress_.table(); }

 private:
  static std::vector<double> costs_of(const EnsembleConfig& config) {
    std::vector<double> costs;
    for (const EnsembleMember& member : config.members) costs.push_back(member.cost);
    return costs;
  }

  void note(size_t member, const std::string& outcome) {
    if (outcome.empty()) {
      progress_.set(member, MemberState::kFinished);
      return;
    }
    const Error error = Outcome::error_of(outcome);
    progress_.set(member, MemberState::kFailed, error.what());
    failed_.push_back({config_.members[member].name, error});
  }

  const EnsembleConfig& config_;
  EnsembleProgress progress_;
  EnsemblePlan plan_;
  std::vector<FailedMember> failed_;
};

// The checkpoints of a member that predict.
std::vector<std::string> predicting_checkpoints(const EnsembleConfig& config,
                                                const EnsembleMember& member,
                                                const fs::path& folder) {
  const fs::path checkpoints = folder / "checkpoints";
  if (member.snapshots == 1) return {(checkpoints / config.ensemble.checkpoint).string()};
  std::vector<std::string> found(size_t(member.snapshots));
  const int64_t cycle = member.config.run.epochs / member.snapshots;
  for (const fs::path& path : train::list_checkpoints(checkpoints)) {
    const train::Position position = train::read_manifest(path).position;
    if (position.batch != 0 || position.epoch % cycle != 0 || position.epoch == 0) continue;
    found[size_t(position.epoch / cycle - 1)] = path.string();
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (!found[i].empty()) continue;
    throw io_error("member " + member.name,
                   "the checkpoint at the end of cycle " + std::to_string(i + 1) + " is gone",
                   "remove " + folder.string() + " to train it again");
  }
  return found;
}

void predict_split(const EnsembleConfig& config,
                   const EnsembleMember& member,
                   const std::string& checkpoint,
                   const std::string& split,
                   const fs::path& output,
                   const dist::MpiScope& group) {
  run::PredictRequest request;
  request.config.checkpoint = {checkpoint};
  request.config.split = split;
  request.config.views = config.ensemble.views;
  // A temperature is a result of the validation samples, not a part of what is said of them.
  request.config.calibrated = config.ensemble.calibrate && split == config.ensemble.split;
  request.output = output.string();
  for (const auto& [path, value] : std::vector<std::pair<std::string, std::string>>{
           {"run.threads", std::to_string(member.config.run.threads)},
           {"run.device", member.config.run.device}}) {
    request.overrides.push_back({path, value, "ensemble member " + member.name});
  }
  run::predict(request, group, /*on_terminal=*/false);
}

// The validation samples come first: the temperature that is fitted on them stands in what is said
// of the others.
void predict_both(const EnsembleConfig& config,
                  const EnsembleMember& member,
                  const std::string& checkpoint,
                  const MemberPredictions& files,
                  const dist::MpiScope& group) {
  const EnsembleSection& ensemble = config.ensemble;
  if (!files.validation.empty() && files.validation != files.voted) {
    predict_split(config, member, checkpoint, ensemble.validation, files.validation, group);
    if (ensemble.calibrate && validates_apart(ensemble, member)) {
      dist::together(group, [&] {
        if (group.rank() != 0) return;
        inference::keep_calibration(
            checkpoint,
            inference::PredictionsFile(files.validation).header(),
            inference::calibrate(inference::read_labelled(files.validation), kSeed));
      });
    }
  }
  predict_split(config, member, checkpoint, ensemble.split, files.voted, group);
}

// Trains a member and predicts with it; collective over the group.
void make_member(const EnsembleConfig& config,
                 const EnsembleMember& member,
                 const dist::MpiScope& group) {
  const fs::path folder = EnsembleFolder{config.ensemble.output}.member(member);
  run::train(member.config, group, {.folder = folder, .on_terminal = false});
  std::vector<std::string> checkpoints(size_t(member.snapshots));
  dist::together(group, [&] {
    if (group.rank() == 0) checkpoints = predicting_checkpoints(config, member, folder);
  });
  const std::vector<MemberPredictions> files = predictions_of(config, member);
  for (size_t i = 0; i < files.size(); ++i) {
    predict_both(config, member, checkpoints[i], files[i], group);
  }
  dist::together(group, [&] {
    if (group.rank() == 0) write_finished(config, member);
  });
}

// The same, with a failure of any rank as the group's outcome; empty: none.
std::string outcome_of(const EnsembleConfig& config,
                       const EnsembleMember& member,
                       const dist::MpiScope& group) {
  Outcome mine;
  try {
    make_member(config, member, group);
  } catch (...) {
    mine = Outcome::of(std::current_exception());
  }
  if (!mine.text.empty()) util::log().error(mine.text);
  util::log().remove_files();
  std::string text;
  for (const std::string& one : group.all_gather((mine.is_own ? "1" : "0") + mine.text)) {
    if (one.size() > 1 && (text.empty() || one[0] == '1')) text = one.substr(1);
    if (one[0] == '1') break;
  }
  return text;
}

// Which members are finished; asked on rank 0.
std::vector<bool> finished_members(const EnsembleConfig& config, util::Log& log) {
  std::vector<bool> done;
  for (const EnsembleMember& member : config.members) {
    std::string why;
    done.push_back(is_finished(config, member, &why));
    if (!done.back() && why != "not finished") {
      log.warning("member " + member.name + " is made again: " + why);
    }
  }
  return done;
}

int64_t group_of(const std::vector<int64_t>& sizes, int64_t rank) {
  int64_t group = 0;
  for (; rank >= sizes[size_t(group)]; ++group) rank -= sizes[size_t(group)];
  return group;
}

// All ranks must see one folder: members are written by the groups and read by rank 0.
void open_folder(const EnsembleConfig& config, const dist::MpiScope& mpi) {
  const EnsembleFolder folder{config.ensemble.output};
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    util::make_folders(folder.path / "members");
    util::write_file_atomic(folder.config(), config.text);
  });
  dist::together(mpi, [&] {
    if (fs::exists(folder.config())) return;
    throw io_error("folder " + folder.path.string(),
                   "host " + mpi.host() + " does not see what rank 0 wrote there",
                   "put ensemble.output on a file system that all hosts share");
  });
}

// Returns, on rank 0, the members that failed.
std::vector<FailedMember> train_members(const EnsembleConfig& config,
                                        const std::vector<int64_t>& sizes,
                                        const dist::MpiScope& mpi,
                                        util::Log& log) {
  std::vector<bool> done;
  dist::together(mpi, [&] {
    if (mpi.rank() == 0) done = finished_members(config, log);
  });
  const int64_t color = group_of(sizes, mpi.rank());
  const auto group = mpi.split(color);
  std::optional<Coordinator> coordinator;
  if (mpi.rank() == 0) coordinator.emplace(config, sizes, done, log);
  {
    dist::MpiWorkQueue queue(
        mpi, [&](int64_t, const std::string& text) { return coordinator->answer(text); });
    std::string member = "-1", outcome;
    for (;;) {
      if (group->rank() == 0) {
        member = queue.ask(std::to_string(color) + "\n" + member + "\n" + outcome);
      }
      member = group->broadcast(member);
      if (member == "-1") break;
      outcome = outcome_of(config, config.members[size_t(std::stoll(member))], *group);
    }
    mpi.barrier();
  }
  if (!coordinator) return {};
  log.info(coordinator->table());
  return coordinator->failed();
}

EnsembleConfig with_one_member(EnsembleConfig config, const std::string& name) {
  std::erase_if(config.members, [&](const EnsembleMember& one) { return one.name != name; });
  return config;
}

}  // namespace

void run_ensemble(const EnsembleConfig& config,
                  const std::string& only,
                  const dist::MpiScope& mpi) {
  open_folder(config, mpi);
  std::vector<int64_t> sizes = {mpi.size()};
  util::Log log;
  dist::together(mpi, [&] {
    if (only.empty()) sizes = group_sizes(config, mpi.size());
    if (mpi.rank() != 0) return;
    log.set_terminal(stdout);
    log.add_file(EnsembleFolder{config.ensemble.output}.log());
  });
  const std::vector<FailedMember> failed =
      train_members(only.empty() ? config : with_one_member(config, only), sizes, mpi, log);
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    if (only.empty()) return vote_ensemble(config, failed, log);
    if (!failed.empty()) throw failed.front().error;
  });
}

}  // namespace dtrain::ensemble
