// One training, from the settings to the last checkpoint.
#include "run/train_run.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/bad_sample_quota.h"
#include "callbacks/checkpoint_saver.h"
#include "callbacks/early_stopping.h"
#include "callbacks/evaluation_check.h"
#include "callbacks/failed_update_report.h"
#include "callbacks/fault_injection.h"
#include "callbacks/learning_watch.h"
#include "callbacks/metric_logger.h"
#include "callbacks/plot_writer.h"
#include "callbacks/progress_logger.h"
#include "callbacks/replica_checker.h"
#include "checkpoint/checkpoint_folder.h"
#include "checkpoint/resume.h"
#include "data/datasets/subset.h"
#include "data/loader/background_check.h"
#include "data/loader/device_prefetcher.h"
#include "dist/gradient_reducer.h"
#include "dist/ordered_reducer.h"
#include "dist/parameter_sync.h"
#include "dist/rendezvous.h"
#include "metrics/registry.h"
#include "nn/batch_norm.h"
#include "nn/virtual_shards.h"
#include "optim/average_factory.h"
#include "optim/optimizer_factory.h"
#include "optim/schedule_factory.h"
#include "run/agreement.h"
#include "run/components.h"
#include "run/data_choices.h"
#include "run/evaluation_metrics.h"
#include "run/final_test.h"
#include "run/initial_weights.h"
#include "run/machine.h"
#include "run/resolve.h"
#include "run/resumable.h"
#include "run/run_start.h"
#include "run/shared_cache.h"
#include "run/snapshot.h"
#include "run/space.h"
#include "settings/run_folder.h"
#include "tasks/supervised_task.h"
#include "train/learner.h"
#include "train/trainer.h"
#include "util/folder_lock.h"
#include "util/log.h"
#include "util/signals.h"
#include "util/text.h"

namespace dtrain::run {
namespace {

namespace fs = std::filesystem;

struct Loaders {
  std::unique_ptr<data::DataLoader> train, eval;
  std::unique_ptr<data::DataLoader> test;  // null where nothing is tested at the end
};

// Whether settings of the learning rate are among those that a resume changes.
bool changes_the_rate(const std::vector<std::string>& changes) {
  return std::any_of(changes.begin(), changes.end(), [](const std::string& line) {
    return line.starts_with("optimizer.lr:") || line.starts_with("schedule.");
  });
}

// The parts of one training, made in this order; the later ones borrow from the earlier ones.
class TrainRun {
 public:
  TrainRun(settings::RunConfig config, const dist::MpiScope& mpi, fs::path place);
  Outcome run();

 private:
  std::string headline() const;
  void start_or_resume();
  void warn_of_full_disk() const;
  int64_t planned_epochs() const;
  void follow_epochs(const train::TrainState& state);
  void make_learner();
  void make_trainer();
  void make_callbacks();
  void check_in_background(const data::Dataset& dataset);
  checkpoint::CheckpointData snapshot(const train::TrainState& now,
                                      const config::Json& description);
  std::optional<train::TrainState> roll_back();
  void test();
  Outcome conclude(train::Wish granted) const;

  settings::RunConfig config_;
  const dist::MpiScope& mpi_;
  const fs::path place_;
  c10::Device device_ = at::kCPU;
  train::Precision precision_ = train::Precision::kFloat32;
  data::Settled settled_;  // what the data were recognised as
  Data data_;
  Start start_;
  ResumeChanges announced_;
  std::string early_warning_;                  // of what was found before there was a log
  std::string started_from_;                   // at rank 0, which other weights: a line for the log
  std::optional<dist::ProcessGroup> group_;    // gradients and batch norm
  std::optional<dist::ProcessGroup> control_;  // everything small
  Loaders loaders_;
  train::LearnerParts learner_parts_;                     // until the learner has them
  std::optional<metrics::MetricSet> evaluation_metrics_;  // until the evaluation has them
  std::vector<std::string> evaluated_;                    // what they name
  train::TrainState state_;                               // where the training starts
  settings::RunFolder folder_;
  std::optional<util::FolderLock> lock_;  // on it, at rank 0
  std::unique_ptr<optim::Schedule> schedule_;
  std::optional<train::Learner> learner_;
  std::optional<data::DevicePrefetcher> train_batches_, eval_batches_;
  std::optional<tasks::SupervisedTask> task_;
  std::optional<train::EvaluationLoop> evaluation_;
  std::optional<train::UpdateGuard> guard_;
  std::vector<std::unique_ptr<train::Callback>> callbacks_;
  std::optional<train::Trainer> trainer_;
  checkpoint::StateList parts_;  // of checkpoints
  std::vector<std::unique_ptr<data::BackgroundCheck>> checks_;
};

// Everything that a user can get wrong shows here, before anything is written.
TrainRun::TrainRun(settings::RunConfig config, const dist::MpiScope& mpi, fs::path place)
    : config_(std::move(config)), mpi_(mpi), place_(std::move(place)) {
  const Machine machine = this_machine(mpi);
  if (config_.dist.deterministic_world == 0) {
    early_warning_ = omp_warning(machine, config_.run.threads);
  }
  dist::together(mpi, [&] {
    settled_ = resolve(config_, machine);
    settings::check_world(config_, mpi.size());
  });
  // One thread until training starts: the data are read on another, and OpenMP's threads spin
  // between the small operations of set-up, on cores that reading needs.
  at::set_num_threads(1);
  device_ = training_device(config_, machine, mpi);
  precision_ = train::resolve_precision(config_.train.precision, device_);
  learner_parts_.scaler = std::make_unique<train::GradScaler>(
      config_.grad_scaler, precision_ == train::Precision::kFloat16);

  start_ = find_start(config_, place_, mpi, lock_);
  if (start_.checkpoint.empty()) name_initial_checkpoint(config_, mpi);
  data_ = dist::together(mpi, [&] {
    if (start_.checkpoint.empty()) return open_data(config_, mpi.size());
    keep_choices(config_, start_.meta, mpi.size());
    return open_data(config_, mpi.size(), input_of(start_.meta));
  });
  share_caches(data_, config_, mpi);
  dist::together(mpi, [&] {
    const int64_t classes = data_.train->num_classes();
    auto& parts = learner_parts_;
    parts.model = make_model(config_, data_.identity.input, classes, precision_, device_);
    const bool is_new = start_.checkpoint.empty() && !config_.model.initial_checkpoint.empty();
    if (is_new && mpi_.rank() == 0)
      started_from_ = load_initial_weights(config_, data_.train->class_names(), *parts.model);
    parts.optimizer = optim::create_optimizer(*parts.model, config_.optimizer);
    parts.averages = optim::create_averages(*parts.model, config_.ema);
    evaluation_metrics_ = evaluation_metrics(config_.train, classes);
    evaluated_ = evaluation_metrics_->value_names();
  });
  group_ = dist::rendezvous(mpi, config_.dist, device_);
  dist::together(mpi, [&] {
    const data::Shard shard{group_->rank(), group_->size()};
    loaders_.train = make_loader(data_, config_, Part::kTrain, shard, device_);
    loaders_.eval = make_loader(data_, config_, Part::kEval, shard, device_);
    if (data_.test) loaders_.test = make_loader(data_, config_, Part::kTest, shard, device_);
    const int64_t accumulated = config_.train.grad_accum_steps;
    state_.epochs = config_.run.epochs;
    state_.steps_per_epoch = (loaders_.train->batches_per_epoch() + accumulated - 1) / accumulated;
    state_.global_batch_size = global_batch_size(config_, group_->size());
    state_.ranks = group_->size();
    state_.best.metric = config_.train.best_metric;
    state_.best.more_is_better = metrics::more_is_better(config_.train.best_metric);
    schedule_ = optim::create_schedule(
        config_.schedule, config_.optimizer.lr, state_.steps_per_epoch, planned_epochs());
    identify(data_);
  });
  expect_agreement(facts_of(config_, data_.identity, *learner_parts_.model), mpi);
  if (!start_.checkpoint.empty()) {
    dist::together(mpi, [&] {
      announced_ = check_resumable(
          start_.meta, start_.checkpoint, config_, data_.identity, group_->size(), start_.step);
    });
  }
  control_ = group_->control_group();
}

Outcome TrainRun::run() {
  folder_ = open_run_folder(config_, place_, start_, mpi_, lock_);
  util::log_info(settings::values_table(config_));
  util::log_info(headline());
  for (const std::string& line : describe_data(config_, settled_, data_)) util::log_info(line);
  for (const std::string& doubt : doubts_about(config_, data_)) util::log_warning(doubt);
  if (!early_warning_.empty()) util::log_warning(early_warning_);
  make_learner();
  make_trainer();
  make_callbacks();
  for (state::Stateful* part : learner_->parts()) parts_.add(*part);
  parts_.add(*schedule_);
  parts_.add(trainer_->metrics());
  start_or_resume();
  warn_of_full_disk();
  dist::check_replicas_equal(parts_.replicated(), *control_);
  configure_arithmetic(config_);
  const train::Wish granted = trainer_->run();
  const bool is_over =
      granted == train::Wish::kStop || trainer_->state().epoch >= trainer_->state().epochs;
  if (data_.test && is_over) test();
  return conclude(granted);
}

// Of a training that is over, whose weights are saved.
void TrainRun::test() {
  data::DevicePrefetcher batches(
      *loaders_.test, data_.normalization, device_, train::weight_dtype(precision_));
  train::EvaluationLoop evaluation(learner_->model(),
                                   *task_,
                                   batches,
                                   *control_,
                                   precision_,
                                   evaluation_metrics(config_.train, data_.train->num_classes()));
  util::log_info(test_best(folder_,
                           config_.data.test_split,
                           data_.test->size(),
                           learner_->model(),
                           evaluation,
                           *control_,
                           mpi_));
}

void TrainRun::start_or_resume() {
  if (start_.checkpoint.empty()) {
    if (!started_from_.empty()) util::log_info(started_from_);
    learner_->start();
    return;
  }
  train::TrainState state = state_;
  restore_snapshot(start_.checkpoint, *group_, *control_, parts_, state);
  util::log_info("Resumed " + start_.checkpoint + " at epoch " + std::to_string(state.epoch) +
                 ", step " + std::to_string(state.step));
  for (const auto& line : announced_.rounding) util::log_warning(line);
  for (const auto& line : announced_.ahead) util::log_info(line);
  follow_epochs(state);
  if (changes_the_rate(announced_.ahead)) {
    util::log_info("Learning rate: " + util::number_text((*schedule_)(state.step)) + " at step " +
                   std::to_string(state.step) + ", as the changed settings have it there");
  }
  if (state.epoch >= state.epochs) {
    util::log_info("Nothing to train: " + std::to_string(state.epoch) +
                   " epochs are done, and run.epochs is " + std::to_string(state.epochs) +
                   "; more of them train on");
  }
  trainer_->resume_from(state);
}

void TrainRun::warn_of_full_disk() const {
  if (group_->rank() != 0) return;
  int64_t bytes = 0;
  for (const auto& [name, tensor] : parts_.replicated()) bytes += int64_t(tensor.nbytes());
  const std::string warning = space_warning(folder_.checkpoints(), bytes, config_.checkpoint);
  if (!warning.empty()) util::log_warning(warning);
}

// As many as the checkpoint was to have; the schedule is told of others once it is restored.
int64_t TrainRun::planned_epochs() const {
  if (start_.checkpoint.empty()) return config_.run.epochs;
  return start_.meta.at("config").at("run").at("epochs").get<int64_t>();
}

// After parts_ were restored, which are as of the time before run.epochs changed.
void TrainRun::follow_epochs(const train::TrainState& state) {
  const std::string said = schedule_->follow_length(
      state.step, state.epochs * state.steps_per_epoch, config_.train.resume_schedule);
  if (!said.empty()) util::log_info(said);
}

Outcome TrainRun::conclude(train::Wish granted) const {
  const train::TrainState& state = trainer_->state();
  const bool is_done = state.epoch >= state.epochs;
  if (granted == train::Wish::kPreempt && !is_done) {
    const int signal = util::stop_signal();
    const fs::path saved = folder_.checkpoints() / checkpoint::checkpoint_name(state.step);
    util::log_info("Stopped by " + (signal != 0 ? util::signal_name(signal) : "another rank") +
                   " at epoch " + std::to_string(state.epoch) + ", step " +
                   std::to_string(state.step) + ": " +
                   (fs::exists(saved) ? "saved " + saved.string() +
                                            "; to resume, run the same command with --resume " +
                                            folder_.path.string()
                                      : "nothing new to save; run the same command again"));
    return Outcome::kPreempted;
  }
  util::log_info("Done: epoch " + std::to_string(state.epoch) + " of " +
                 std::to_string(state.epochs) + ", results in " + folder_.path.string());
  return Outcome::kDone;
}

std::string TrainRun::headline() const {
  int64_t parameters = 0;
  for (const auto& parameter : learner_parts_.model->parameters()) parameters += parameter.numel();
  std::string world = "ranks " + std::to_string(group_->size());
  if (config_.dist.deterministic_world > 0) {
    world += " playing " + std::to_string(config_.dist.deterministic_world);
  }
  return config_.model.name + ": " + std::to_string(parameters) + " parameters, " +
         train::to_string(precision_) + ", " + world + ", threads per rank " +
         std::to_string(config_.run.threads) + ", training images " +
         std::to_string(data_.train->size()) + ", evaluation images " +
         std::to_string(data_.eval->size()) +
         (data_.unlabeled ? ", unlabelled images " + std::to_string(data_.unlabeled->size()) : "");
}

checkpoint::CheckpointData TrainRun::snapshot(const train::TrainState& now,
                                              const config::Json& description) {
  dist::check_replicas_equal(parts_.replicated(), *control_);
  group_->expect_healthy();
  return take_snapshot(now, parts_, *control_, description);
}

std::optional<train::TrainState> TrainRun::roll_back() {
  std::string checkpoint;
  if (group_->rank() == 0 && !checkpoint::list_checkpoints(folder_.checkpoints()).empty()) {
    const auto point = checkpoint::resolve_resume(folder_.path.string(), config_.run.output, "");
    checkpoint = point->checkpoint.string();  // a path given by name is there, or an error
  }
  checkpoint = control_->broadcast(checkpoint);
  if (checkpoint.empty()) return std::nullopt;
  train::TrainState state = state_;
  restore_snapshot(checkpoint, *group_, *control_, parts_, state);
  follow_epochs(state);
  return state;
}

void TrainRun::make_learner() {
  train::LearnerParts& parts = learner_parts_;
  if (config_.dist.sync_bn) {
    nn::synchronise_batch_norm(*parts.model, *group_);
  } else {
    parts.buffers = std::make_unique<dist::BufferAverage>(*parts.model, *group_);
  }
  if (const int64_t world = config_.dist.deterministic_world; world > 0) {
    parts.shards = std::make_shared<nn::VirtualShards>(world, group_->rank(), group_->size());
    parts.shards->adopt(*parts.model);
    nn::set_virtual_shards(*parts.model, parts.shards);
    parts.gradients = std::make_unique<dist::OrderedReducer>(
        parts.model->parameters(), parts.shards->leaves(), *group_);
  } else {
    parts.gradients = std::make_unique<dist::GradientReducer>(*parts.model, *group_, config_.dist);
  }
  learner_.emplace(
      train::LearnerOptions{.precision = precision_, .clip_grad = config_.train.clip_grad},
      std::move(parts),
      *group_);
}

void TrainRun::make_trainer() {
  const auto dtype = train::weight_dtype(precision_);
  train_batches_.emplace(*loaders_.train, data_.normalization, device_, dtype);
  eval_batches_.emplace(*loaders_.eval, data_.normalization, device_, dtype);
  task_.emplace(config_.loss);
  evaluation_.emplace(learner_->model(),
                      *task_,
                      *eval_batches_,
                      *control_,
                      precision_,
                      *std::move(evaluation_metrics_));
  guard_.emplace(
      config_.nonfinite, learner_->model(), *control_, [this](const train::FailedUpdate& failed) {
        callbacks::write_failed_update(folder_.nonfinite(), failed);
      });
  const train::TrainerOptions options{
      config_.train, config_.run.log_interval, static_cast<uint64_t>(config_.run.seed)};
  trainer_.emplace(options,
                   state_,
                   train::Trainer::Parts{.learner = *learner_,
                                         .task = *task_,
                                         .schedule = *schedule_,
                                         .guard = *guard_,
                                         .group = *group_,
                                         .control = *control_,
                                         .batches = *train_batches_,
                                         .evaluation = *evaluation_,
                                         .callbacks = callbacks_,
                                         .roll_back = [this] { return roll_back(); }});
}

// In the order in which they act: a replica that differs is found before anything is saved, and
// what is written about an epoch is on disk before the checkpoint that says the epoch is done.
void TrainRun::make_callbacks() {
  const auto add = [&](auto callback) { callbacks_.push_back(std::move(callback)); };
  const bool writes = group_->rank() == 0;
  std::optional<checkpoint::CheckpointStore> store;
  dist::together(mpi_, [&] {
    if (writes) store.emplace(folder_.checkpoints(), config_.checkpoint);
  });
  add(std::make_unique<callbacks::ProgressLogger>());
  add(std::make_unique<callbacks::LearningWatch>(data::class_sizes(*data_.eval)));
  if (auto fault = callbacks::injected_fault(learner_->model(), group_->rank()))
    add(std::move(fault));
  add(std::make_unique<callbacks::ReplicaChecker>(
      [this] { return parts_.replicated(); }, *control_, config_.dist.digest_interval));
  if (config_.loader.bad_samples == "replace") {
    add(std::make_unique<callbacks::BadSampleQuota>(
        [this] { return loaders_.train->replaced_samples(); },
        *control_,
        config_.loader.max_bad_samples));
  }
  if (config_.train.patience > 0) {
    add(std::make_unique<callbacks::EarlyStopping>(config_.train.patience));
  }
  if (writes) {
    add(std::make_unique<callbacks::MetricLogger>(
        folder_.path, folder_.summary(), further_metrics(evaluated_)));
    add(std::make_unique<callbacks::PlotWriter>(folder_.summary(), folder_.curves()));
  }
  auto description = describe_run(config_, data_.identity, group_->size());
  description["evaluated"] = learner_->evaluated_weights();
  add(std::make_unique<callbacks::CheckpointSaver>(
      config_.checkpoint, std::move(store), [this, description](const train::TrainState& now) {
        return snapshot(now, description);
      }));
  check_in_background(*data_.eval);
  if (data_.test) check_in_background(*data_.test);
}

// Behind the saver, so that what was trained is saved before a bad sample ends the run.
void TrainRun::check_in_background(const data::Dataset& dataset) {
  if (!data::BackgroundCheck::concerns(dataset)) return;
  checks_.push_back(std::make_unique<data::BackgroundCheck>(
      dataset,
      data::make_eval_view(config_.transforms, dataset.shape()),
      data::Shard{group_->rank(), group_->size()}));
  callbacks_.push_back(std::make_unique<callbacks::EvaluationCheck>(
      [check = checks_.back().get()] { return check->found(); }));
}

}  // namespace

Outcome train(settings::RunConfig config, const dist::MpiScope& mpi, const TrainPlace& place) {
  if (mpi.rank() == 0 && place.on_terminal) util::log().set_terminal(stdout);
  return TrainRun(std::move(config), mpi, place.folder).run();
}

}  // namespace dtrain::run
