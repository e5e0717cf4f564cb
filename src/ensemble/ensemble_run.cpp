#include "ensemble/ensemble_run.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "config/describe.h"
#include "dist/mpi_work_queue.h"
#include "ensemble/ensemble_folder.h"
#include "ensemble/ensemble_plan.h"
#include "ensemble/ensemble_progress.h"
#include "ensemble/ensemble_samples.h"
#include "ensemble/ensemble_vote.h"
#include "ensemble/messages.h"
#include "predict/predict_run.h"
#include "predictions/calibration_record.h"
#include "run/train_run.h"
#include "util/atomic_file.h"
#include "util/log.h"
#include "util/signals.h"

namespace dtrain::ensemble {
namespace {

namespace fs = std::filesystem;

// Settings of the place and the machine rather than of the member.
constexpr std::array<std::string_view, 8> kOfToday = {"run.threads",
                                                      "run.device",
                                                      "data.data_dir",
                                                      "data.cache_mb",
                                                      "loader.workers",
                                                      "loader.prefetch",
                                                      "loader.memory_mb",
                                                      "dist.timeout_s"};

constexpr uint64_t kSeed = 0;  // of the halves that a calibration is reported on

Outcome outcome_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const dist::PeerFailed& error) {
    return {error, false};
  } catch (const Error& error) {
    // A rank that fails takes its connections with it, which the others notice.
    return {error, error.code() != ExitCode::kRetry};
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return {Error(ExitCode::kGaveUp, "unexpected failure", what.substr(0, what.find('\n')), ""),
            true};
  }
}

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

  // The member that the group trains next.
  std::optional<int64_t> answer(const GroupReport& report) {
    if (report.member) note(size_t(*report.member), report);
    was_stopped_ = was_stopped_ || report.was_stopped || util::stop_signal() != 0;
    if (was_stopped_) return std::nullopt;  // no more than was begun
    const auto next = plan_.next(report.group);
    if (next) {
      progress_.set(
          size_t(*next), MemberState::kTraining, "by group " + std::to_string(report.group));
    }
    return next;
  }

  std::vector<FailedMember> failed() const { return failed_; }
  // By a signal, at any rank.
  bool was_stopped() const { return was_stopped_ || util::stop_signal() != 0; }
  std::string table() const { return progress_.table(); }

 private:
  static std::vector<double> costs_of(const EnsembleConfig& config) {
    std::vector<double> costs;
    for (const EnsembleMember& member : config.members) costs.push_back(member.cost);
    return costs;
  }

  void note(size_t member, const GroupReport& report) {
    if (report.was_stopped) {
      progress_.set(member, MemberState::kWaiting, "stopped by a signal, saved");
    } else if (report.failure) {
      progress_.set(member, MemberState::kFailed, report.failure->what());
      failed_.push_back({config_.members[member].name, *report.failure});
    } else {
      progress_.set(member, MemberState::kFinished);
    }
  }

  const EnsembleConfig& config_;
  EnsembleProgress progress_;
  EnsemblePlan plan_;
  std::vector<FailedMember> failed_;
  bool was_stopped_ = false;
};

void predict_split(const EnsembleConfig& config,
                   const EnsembleMember& member,
                   const fs::path& checkpoint,
                   const std::string& split,
                   const fs::path& output,
                   const dist::MpiScope& group) {
  predict::PredictRequest request;
  request.config.checkpoint = {checkpoint.string()};
  request.config.split = split;
  request.config.views = config.ensemble.views;
  // A temperature is a result of the validation samples, not a part of what is said of them.
  request.config.calibrated = calibrates(config.ensemble, member) && split == config.ensemble.split;
  request.output = output.string();
  // Where and how fast are the member's settings of today, not those that its checkpoint has.
  settings::RunConfig now = member.config;
  const config::FieldList fields = config::collect(now);
  for (const config::Field& field : fields.all()) {
    if (std::find(kOfToday.begin(), kOfToday.end(), field.path) == kOfToday.end()) continue;
    const std::string value = config::value_text(field.value);
    if (value == "\"\"") continue;  // empty
    request.overrides.push_back({field.path, value, "ensemble member " + member.name});
  }
  predict::predict(request, group, /*on_terminal=*/false);
}

// The validation samples come first: the temperature that is fitted on them stands in what is said
// of the others.
void predict_both(const EnsembleConfig& config,
                  const EnsembleMember& member,
                  const fs::path& checkpoint,
                  const MemberPredictions& files,
                  const dist::MpiScope& group) {
  const EnsembleSection& ensemble = config.ensemble;
  if (!files.validation.empty() && files.validation != files.voted) {
    predict_split(config, member, checkpoint, ensemble.validation, files.validation, group);
    if (calibrates(ensemble, member)) {
      dist::together(group, [&] {
        if (group.rank() != 0) return;
        const predictions::CalibrationReport report =
            predictions::calibrate(predictions::read_labelled(files.validation), kSeed);
        predictions::keep_calibration(
            checkpoint, predictions::PredictionsFile(files.validation).header(), report);
        if (!report.fit.problem.empty()) {
          util::log_warning(member.name + " keeps temperature 1: " + report.fit.problem);
        }
      });
    }
  }
  predict_split(config, member, checkpoint, ensemble.split, files.voted, group);
}

// Trains a member and predicts with it; collective over the group. False: a signal stopped it.
bool make_member(const EnsembleConfig& config,
                 const EnsembleMember& member,
                 const dist::MpiScope& group) {
  const fs::path folder = EnsembleFolder{config.ensemble.output}.member(member);
  const auto outcome = run::train(member.config, group, {.folder = folder, .on_terminal = false});
  if (outcome == run::Outcome::kPreempted) return false;
  std::vector<fs::path> checkpoints(size_t(member.snapshots));
  dist::together(group, [&] {
    if (group.rank() == 0) checkpoints = predicting_checkpoints(config, member);
  });
  const std::vector<MemberPredictions> files = predictions_of(config, member);
  for (size_t i = 0; i < files.size(); ++i) {
    predict_both(config, member, checkpoints[i], files[i], group);
  }
  dist::together(group, [&] {
    if (group.rank() == 0) write_finished(config, member);
  });
  return true;
}

// The same; notes in the report a failure of any rank as that of the group.
void make_member(const EnsembleConfig& config,
                 const EnsembleMember& member,
                 const dist::MpiScope& group,
                 GroupReport& report) {
  Outcome mine;
  try {
    report.was_stopped = !make_member(config, member, group);
  } catch (...) {
    mine = outcome_of(std::current_exception());
  }
  const std::string message = outcome_message(mine);
  if (mine.failure) util::log().error(read_outcome(message).failure->what());
  util::log().remove_files();
  report.failure.reset();
  for (const std::string& text : group.all_gather(message)) {
    const Outcome one = read_outcome(text);
    if (one.failure && (!report.failure || one.is_own)) report.failure = one.failure;
    if (one.is_own) break;
  }
}

// Which members are finished; asked on rank 0.
std::vector<MemberCondition> conditions_of(const EnsembleConfig& config) {
  std::vector<MemberCondition> conditions;
  for (const EnsembleMember& member : config.members) {
    conditions.push_back(condition_of(config, member));
  }
  return conditions;
}

std::vector<bool> finished(const std::vector<MemberCondition>& conditions) {
  std::vector<bool> done;
  for (const MemberCondition& one : conditions) done.push_back(one.is_finished);
  return done;
}

// Says what is not as it was left, and makes room for those that only a new training helps.
void announce(const EnsembleConfig& config,
              const std::vector<MemberCondition>& conditions,
              util::Log& log) {
  for (size_t i = 0; i < conditions.size(); ++i) {
    const EnsembleMember& member = config.members[i];
    const MemberCondition& condition = conditions[i];
    if (!condition.note.empty()) log.warning("member " + member.name + " " + condition.note);
    if (condition.problem.empty()) continue;
    std::string text = "member " + member.name + " is made again: " + condition.problem;
    if (condition.is_damaged) {
      text += "; what is left of it is now in " + put_aside(config, member).string();
    }
    log.warning(text);
  }
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

// The ranks of each group: those of the configuration, unless one member is trained alone, by all,
// or nothing is left to train.
std::vector<int64_t> group_sizes_of(const EnsembleConfig& config,
                                    const std::string& only,
                                    bool all_done,
                                    int64_t ranks) {
  if (all_done) return {ranks};
  if (only.empty()) return group_sizes(config, ranks);
  const int64_t wanted = ranks_of(config, config.members.front());
  if (wanted == 0 || wanted == ranks) return {ranks};
  throw usage_error(
      "--member " + only,
      "has " + std::to_string(ranks) + " ranks; the ensemble trains its members with " +
          std::to_string(wanted) + ", and another number makes another member",
      "start " + std::to_string(wanted) + ", or change ensemble.ranks_per_group for all members");
}

struct Trained {
  std::vector<FailedMember> failed;  // on rank 0
  bool was_stopped = false;          // by a signal, on all ranks
};

Trained train_members(const EnsembleConfig& config,
                      const std::vector<int64_t>& sizes,
                      const std::vector<bool>& done,
                      const dist::MpiScope& mpi,
                      util::Log& log) {
  const int64_t color = group_of(sizes, mpi.rank());
  const auto group = mpi.split(color);
  std::optional<Coordinator> coordinator;
  if (mpi.rank() == 0) coordinator.emplace(config, sizes, done, log);
  {
    dist::MpiWorkQueue queue(mpi, [&](int64_t, const std::string& text) {
      return answer_message(coordinator->answer(read_report(text)));
    });
    GroupReport report{.group = color};
    for (;;) {
      std::string answer;
      if (group->rank() == 0) answer = queue.ask(report_message(report));
      report.member = read_answer(group->broadcast(answer));
      if (!report.member) break;
      make_member(config, config.members[size_t(*report.member)], *group, report);
    }
    mpi.barrier();
  }
  Trained trained;
  if (coordinator) {
    log.info(coordinator->table());
    trained = {coordinator->failed(), coordinator->was_stopped()};
  }
  trained.was_stopped = mpi.broadcast(trained.was_stopped ? "1" : "0") == "1";
  return trained;
}

EnsembleConfig with_one_member(EnsembleConfig config, const std::string& name) {
  std::erase_if(config.members, [&](const EnsembleMember& one) { return one.name != name; });
  return config;
}

}  // namespace

run::Outcome run_ensemble(const EnsembleConfig& config,
                          const std::string& only,
                          const dist::MpiScope& mpi) {
  open_folder(config, mpi);
  const EnsembleConfig wanted = only.empty() ? config : with_one_member(config, only);
  util::Log log;
  std::vector<MemberCondition> conditions;
  std::vector<bool> done;
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    log.set_terminal(stdout);
    log.add_file(EnsembleFolder{config.ensemble.output}.log());
    conditions = conditions_of(wanted);
    done = finished(conditions);
    expect_samples(wanted, done);
  });
  const bool mine = std::all_of(done.begin(), done.end(), [](bool one) { return one; });
  const bool all_done = mpi.broadcast(mine ? "1" : "0") == "1";
  const std::vector<int64_t> sizes =
      dist::together(mpi, [&] { return group_sizes_of(wanted, only, all_done, mpi.size()); });
  dist::together(mpi, [&] { announce(wanted, conditions, log); });
  const Trained trained = train_members(wanted, sizes, done, mpi, log);
  if (trained.was_stopped) {
    if (mpi.rank() == 0) {
      log.info("Stopped by a signal: what was trained is saved; to resume, run the same command");
    }
    return run::Outcome::kPreempted;
  }
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    if (only.empty()) return vote_ensemble(config, trained.failed, log);
    if (!trained.failed.empty()) throw trained.failed.front().error;
  });
  return run::Outcome::kDone;
}

}  // namespace dtrain::ensemble
