// The hooks around a training: their order, and that stopping, resuming, rolling back and other
// ranks leave it what it is.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "callbacks/early_stopping.h"
#include "dist/gradient_reducer.h"
#include "dist/mpi_scope.h"
#include "nn/layers.h"
#include "optim/lr_schedule.h"
#include "optim/optimizer_factory.h"
#include "tasks/supervised_task.h"
#include "tests/support/evaluation_metrics.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/mentions.h"
#include "tests/support/rank_threads.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "train/trainer.h"

namespace dtrain::train {
namespace {

using Hooks = std::vector<std::string>;

struct OneLayer : nn::Classifier {
  OneLayer() {
    layer = register_module("layer", std::make_shared<nn::Linear>(64, 4));
    const at::NoGradGuard no_grad;
    for (auto& item : named_parameters()) {
      item.value().copy_(testing::formula(item.key(), item.value().sizes(), 0.3));
      item.value().set_data(item.value().to(at::kDouble));
    }
  }
  at::Tensor forward(const at::Tensor& images) override {
    return layer->forward(images.flatten(1));
  }
  std::shared_ptr<nn::Linear> layer;
};

// A supervised task whose loss is NaN in its call number `bad`, counted from 0.
class NanOnce : public tasks::Task {
 public:
  explicit NanOnce(int64_t bad) : task_(tasks::LossConfig{}), bad_(bad) {}
  tasks::TaskOutput forward(const data::Batch& batch, nn::Classifier& model) override {
    auto out = task_.forward(batch, model);
    if (calls_++ == bad_) out.loss_sum = out.loss_sum * std::numeric_limits<double>::quiet_NaN();
    return out;
  }

 private:
  tasks::SupervisedTask task_;
  int64_t bad_, calls_ = 0;
};

// Writes down each hook as "<hook> <epoch>.<batches done>", and asks to stop in the one named
// `stop_in`.
class Recorder : public Callback {
 public:
  Recorder(Hooks& hooks, std::string stop_in, Wish wish = Wish::kStop)
      : hooks_(hooks), stop_in_(std::move(stop_in)), wish_(wish) {}
  void on_train_start(const TrainState& s, Requests& r) override { note("start", s, r); }
  void on_epoch_start(const TrainState& s, Requests& r) override { note("epoch", s, r); }
  void on_step_end(const TrainState& s, Requests& r) override { note("step", s, r); }
  void on_rollback(const TrainState& s, Requests& r) override { note("rollback", s, r); }
  void on_validation_start(const TrainState& s, Requests& r) override { note("validating", s, r); }
  void on_validation_end(const TrainState& s, Requests& r) override { note("validation", s, r); }
  void on_epoch_end(const TrainState& s, Requests& r) override { note("epoch_end", s, r); }
  void on_train_end(const TrainState& s, Requests& r) override { note("end", s, r); }

 private:
  void note(const std::string& hook, const TrainState& s, Requests& requests) {
    hooks_.push_back(hook + " " + std::to_string(s.epoch) + "." + std::to_string(s.batch));
    if (hooks_.back() == stop_in_) ask(requests);
  }

  void ask(Requests& requests) const {
    if (wish_ == Wish::kSave) requests.save();
    if (wish_ == Wish::kStop) requests.stop();
    if (wish_ == Wish::kPreempt) requests.preempt();
  }

  Hooks& hooks_;
  std::string stop_in_;
  Wish wish_;
};

// 24 samples in 3 global batches, two epochs unless said otherwise.
struct HookPlan {
  int64_t accumulate = 1, epochs = 2, max_steps = 0, eval_interval = 1;
  double lr = 0.1;
  std::string stop_in = {};
  int64_t nan_in_call = -1;
  Wish wish = Wish::kStop;  // what is asked for in `stop_in`
  int64_t only_rank = -1;   // that asks; -1: all do
};

// Where a training stood, and its metrics of the epoch.
struct Restored {
  TrainState state;
  state::NamedTensors metrics = {};
};

// All that a trainer borrows; run() may be called again to go on, as a resumed process does.
class HookTraining {
 public:
  HookTraining(const dist::ProcessGroup& group, const HookPlan& plan)
      : plan_(plan),
        group_(group),
        control_(group.control_group()),
        loader_(
            dataset_,
            data::Sampler::training(24, 8 / plan.accumulate / group.size(), false, kSeed, shard()),
            {},
            {.workers = 0, .seed = kSeed}),
        eval_loader_(dataset_, data::Sampler::evaluation(24, 12, shard()), {}, {}),
        batches_(loader_, {{0.5}, {0.5}}, at::kCPU, at::kDouble),
        eval_batches_(eval_loader_, {{0.5}, {0.5}}, at::kCPU, at::kDouble),
        schedule_(constant(), plan.lr, 3, plan.epochs),
        learner_({.precision = Precision::kFloat64}, learner_parts(), group_),
        guard_({.policy = "rollback"}, *model_, control_, [](const FailedUpdate&) {}),
        task_(plan.nan_in_call),
        evaluation_(*model_,
                    eval_task_,
                    eval_batches_,
                    control_,
                    Precision::kFloat64,
                    testing::usual_metrics(4)) {
    const bool asks = plan.only_rank < 0 || plan.only_rank == group.rank();
    callbacks.push_back(std::make_unique<Recorder>(hooks, asks ? plan.stop_in : "", plan.wish));
  }

  TrainState beginning() const {
    TrainState state;
    state.epochs = plan_.epochs;
    state.steps_per_epoch = 3;
    state.ranks = group_.size();
    return state;
  }

  // Trains on from `restored`, with the weights as they are.
  Restored run(const Restored& restored, int64_t max_steps = 0) {
    TrainerOptions options{.train = {}, .log_interval = 50, .seed = kSeed};
    options.train.grad_accum_steps = plan_.accumulate;
    options.train.eval_interval = plan_.eval_interval;
    options.train.max_steps = max_steps;
    Trainer trainer(options,
                    restored.state,
                    {.learner = learner_,
                     .task = task_,
                     .schedule = schedule_,
                     .guard = guard_,
                     .group = group_,
                     .control = control_,
                     .batches = batches_,
                     .evaluation = evaluation_,
                     .callbacks = callbacks,
                     .roll_back = [this] { return checkpoint; }});
    if (!restored.metrics.empty()) trainer.metrics().load(restored.metrics);
    granted = trainer.run();
    return {trainer.state(), trainer.metrics().state()};
  }
  Restored run() { return run({beginning(), {}}, plan_.max_steps); }

  at::Tensor weight() const { return model_->layer->named_parameters()["weight"].detach().clone(); }

  Hooks hooks;
  std::vector<std::unique_ptr<Callback>> callbacks;
  std::optional<TrainState> checkpoint;  // to roll back to
  Wish granted = Wish::kNothing;         // at the end

 private:
  static constexpr uint64_t kSeed = 5;

  LearnerParts learner_parts() const {
    return {
        .model = model_,
        .optimizer = optim::create_optimizer(*model_, rule()),
        .scaler = std::make_unique<GradScaler>(GradScalerConfig{}, false),
        .gradients = std::make_unique<dist::GradientReducer>(*model_, group_, dist::DistConfig{})};
  }
  data::Shard shard() const { return {group_.rank(), group_.size()}; }
  optim::OptimizerConfig rule() const {
    optim::OptimizerConfig rule;
    rule.lr = plan_.lr;
    return rule;
  }
  static optim::ScheduleConfig constant() {
    optim::ScheduleConfig schedule;
    schedule.name = "constant";
    return schedule;
  }

  HookPlan plan_;
  dist::ProcessGroup group_, control_;
  testing::TinyDataset dataset_{{.train = 24}};
  data::DataLoader loader_, eval_loader_;
  data::DevicePrefetcher batches_, eval_batches_;
  std::shared_ptr<OneLayer> model_ = std::make_shared<OneLayer>();
  optim::LRSchedule schedule_;
  Learner learner_;
  UpdateGuard guard_;
  NanOnce task_;
  tasks::SupervisedTask eval_task_{tasks::LossConfig{}};
  EvaluationLoop evaluation_;
};

// The hooks of a training by one rank.
Hooks hooks_of(const HookPlan& plan) {
  Hooks hooks;
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    HookTraining training(group, plan);
    training.run();
    hooks = training.hooks;
  });
  return hooks;
}

const Hooks kTwoEpochs = {"start 0.0",
                          "epoch 0.0",
                          "step 0.1",
                          "step 0.2",
                          "step 0.3",
                          "validating 0.3",
                          "validation 0.3",
                          "epoch_end 0.3",
                          "epoch 1.0",
                          "step 1.1",
                          "step 1.2",
                          "step 1.3",
                          "validating 1.3",
                          "validation 1.3",
                          "epoch_end 1.3",
                          "end 2.0"};

Hooks first_hooks(size_t count, const std::string& end) {
  Hooks hooks(kTwoEpochs.begin(), kTwoEpochs.begin() + static_cast<std::ptrdiff_t>(count));
  hooks.push_back(end);
  return hooks;
}

TEST(Hooks, OfAnEpochEndBelongToTheEpochThatEnded) { EXPECT_EQ(hooks_of({}), kTwoEpochs); }

TEST(Hooks, AnUpdateOfSeveralMicroBatchesIsOneStep) {
  EXPECT_EQ(hooks_of({.accumulate = 2}), kTwoEpochs);
  EXPECT_EQ(hooks_of({.accumulate = 4}), kTwoEpochs);
}

TEST(Hooks, AnEpochWithoutEvaluationHasNoValidationButTheLastOneHas) {
  Hooks expected = kTwoEpochs;
  std::erase(expected, "validating 0.3");
  std::erase(expected, "validation 0.3");
  EXPECT_EQ(hooks_of({.eval_interval = 5}), expected);
}

TEST(Hooks, RunInTheOrderInWhichCallbacksWereAdded) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    HookTraining training(group, {.epochs = 1});
    training.callbacks.push_back(std::make_unique<Recorder>(training.hooks, ""));
    training.run();
    for (size_t i = 0; i < training.hooks.size(); i += 2) {
      EXPECT_EQ(training.hooks[i], training.hooks[i + 1]);
    }
    EXPECT_EQ(training.hooks.size(), 18U);
  });
}

TEST(Hooks, AStopWithinAnEpochEndsTheTrainingBehindTheNextStepWithoutEvaluation) {
  EXPECT_EQ(hooks_of({.stop_in = "step 0.1"}), first_hooks(4, "end 0.2"));
  EXPECT_EQ(hooks_of({.max_steps = 2}), first_hooks(4, "end 0.2"));
}

TEST(Hooks, AStopAtTheLastStepOfAnEpochStillFinishesTheEpoch) {
  EXPECT_EQ(hooks_of({.stop_in = "step 0.3"}), first_hooks(8, "end 1.0"));
  EXPECT_EQ(hooks_of({.max_steps = 3}), first_hooks(8, "end 1.0"));
}

TEST(Hooks, AStopBehindAnEvaluationFinishesTheEpochToo) {
  EXPECT_EQ(hooks_of({.stop_in = "validation 0.3"}), first_hooks(8, "end 1.0"));
  EXPECT_EQ(hooks_of({.stop_in = "epoch_end 0.3"}), first_hooks(8, "end 1.0"));
}

TEST(Hooks, AStopBeforeTheFirstStepLeavesNoOtherHookThanTheEnd) {
  EXPECT_EQ(hooks_of({.stop_in = "start 0.0"}), first_hooks(1, "end 0.0"));
}

// Trains for `steps`, and goes on from there with what a checkpoint keeps of the trainer.
void expect_a_whole_from_two_parts(int64_t steps, const std::string& start, int64_t accumulate) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    const HookPlan plan{.accumulate = accumulate};
    HookTraining whole(group, plan), parts(group, plan);
    const Restored straight = whole.run();
    const Restored stopped = parts.run({parts.beginning(), {}}, steps);
    const size_t before = parts.hooks.size() - 1;  // but for its end
    const Restored resumed = parts.run(stopped);

    Hooks hooks = parts.hooks;
    ASSERT_EQ(hooks[before + 1], "start " + start);
    hooks.erase(hooks.begin() + static_cast<std::ptrdiff_t>(before),
                hooks.begin() + static_cast<std::ptrdiff_t>(before) + 2);
    if (stopped.state.batch > 0) {  // the epoch begins once more
      ASSERT_EQ(hooks[before], "epoch " + start);
      hooks.erase(hooks.begin() + static_cast<std::ptrdiff_t>(before));
    }
    EXPECT_EQ(hooks, kTwoEpochs);
    EXPECT_TRUE(testing::bit_equal(parts.weight(), whole.weight()));
    EXPECT_EQ(resumed.state.train, straight.state.train);  // the epoch's means, over both parts
    EXPECT_EQ(resumed.state.eval, straight.state.eval);
    EXPECT_EQ(resumed.state.step, straight.state.step);
    EXPECT_EQ(resumed.state.best.epoch, straight.state.best.epoch);
  });
}

TEST(Hooks, AResumeWithinAnEpochRunsWhatWasLeftOfIt) {
  expect_a_whole_from_two_parts(2, "0.2", 1);
  expect_a_whole_from_two_parts(5, "1.2", 1);
  expect_a_whole_from_two_parts(5, "1.2", 2);
}

TEST(Hooks, AResumeBetweenEpochsStartsTheNextOne) { expect_a_whole_from_two_parts(3, "1.0", 1); }

TEST(Hooks, AResumeOfAFinishedTrainingOnlyStartsAndEnds) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    HookTraining training(group, {});
    const Restored finished = training.run();
    training.hooks.clear();
    training.run(finished);
    EXPECT_EQ(training.hooks, (Hooks{"start 2.0", "end 2.0"}));
  });
}

TEST(Hooks, ARollbackStartsTheTrainingOnceMoreWhereTheCheckpointStood) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    HookTraining training(group, {.nan_in_call = 5});  // step 1.3
    TrainState checkpoint = training.beginning();
    checkpoint.epoch = 1;
    checkpoint.step = 3;
    training.checkpoint = checkpoint;
    const Restored end = training.run();
    Hooks expected(kTwoEpochs.begin(), kTwoEpochs.begin() + 11);  // up to step 1.2
    const Hooks again = {"rollback 1.0",
                         "epoch 1.0",
                         "step 1.1",
                         "step 1.2",
                         "step 1.3",  // its update is left out this time
                         "validating 1.3",
                         "validation 1.3",
                         "epoch_end 1.3",
                         "end 2.0"};
    expected.insert(expected.end(), again.begin(), again.end());
    EXPECT_EQ(training.hooks, expected);
    EXPECT_EQ(end.state.step, 6);
    EXPECT_EQ(end.state.skipped_updates, 1);
  });
}

TEST(Hooks, ARollbackIntoAnEpochGoesOnBehindItsSteps) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    HookTraining training(group, {.epochs = 1, .nan_in_call = 2});
    const Restored stopped = training.run({training.beginning(), {}}, 1);
    training.hooks.clear();
    training.checkpoint = stopped.state;
    const Restored end = training.run(stopped);
    EXPECT_EQ(training.hooks,
              (Hooks{"start 0.1",
                     "epoch 0.1",
                     "step 0.2",
                     "rollback 0.1",
                     "epoch 0.1",
                     "step 0.2",
                     "step 0.3",
                     "validating 0.3",
                     "validation 0.3",
                     "epoch_end 0.3",
                     "end 1.0"}));
    EXPECT_EQ(end.state.step, 3);
  });
}

TEST(Hooks, ARollbackWithoutACheckpointEndsWithAdviceAndWithoutAFurtherHook) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    HookTraining training(group, {.nan_in_call = 1});
    try {
      training.run();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_TRUE(testing::mentions(error.what(), {"save_every_steps"}));
    }
    EXPECT_EQ(training.hooks, (Hooks{"start 0.0", "epoch 0.0", "step 0.1"}));
  });
}

// What each of two ranks has seen of one training, in which nothing improves after the first
// evaluation.
struct TwoRanks {
  Hooks hooks[2];
  TrainState ends[2];
};

TwoRanks on_two_ranks(const HookPlan& plan, int64_t patience) {
  TwoRanks seen;
  testing::on_rank_threads(2, [&](const dist::ProcessGroup& group) {
    HookTraining training(group, plan);
    if (patience > 0) {
      training.callbacks.push_back(std::make_unique<callbacks::EarlyStopping>(patience));
    }
    seen.ends[group.rank()] = training.run().state;
    seen.hooks[group.rank()] = training.hooks;
  });
  return seen;
}

TEST(HooksOfTwoRanks, AreTheSameWithTheSameNumbers) {
  for (const int64_t accumulate : {1, 2}) {
    const TwoRanks seen = on_two_ranks({.accumulate = accumulate}, 0);
    EXPECT_EQ(seen.hooks[0], kTwoEpochs);
    EXPECT_EQ(seen.hooks[1], kTwoEpochs);
    EXPECT_EQ(seen.ends[0].train, seen.ends[1].train);
    EXPECT_EQ(seen.ends[0].window, seen.ends[1].window);
    EXPECT_EQ(seen.ends[0].eval, seen.ends[1].eval);
    EXPECT_EQ(seen.ends[0].best.value, seen.ends[1].best.value);
    EXPECT_EQ(seen.ends[0].best.epoch, seen.ends[1].best.epoch);
  }
}

TEST(HooksOfTwoRanks, EndTogetherWhenNothingImproves) {
  const TwoRanks seen = on_two_ranks({.epochs = 9, .lr = 0}, 2);
  for (const TrainState& end : seen.ends) {
    EXPECT_EQ(end.epoch, 3);  // the first was the best, two were not
    EXPECT_EQ(end.best.epoch, 0);
    EXPECT_EQ(end.best.evaluations_since, 2);
  }
  EXPECT_EQ(seen.hooks[0], seen.hooks[1]);
  EXPECT_EQ(seen.hooks[0].back(), "end 3.0");
}

TEST(HooksOfTwoRanks, StopAtTheSameStep) {
  const TwoRanks seen = on_two_ranks({.stop_in = "step 1.1"}, 0);
  EXPECT_EQ(seen.hooks[0], first_hooks(11, "end 1.2"));
  EXPECT_EQ(seen.hooks[1], seen.hooks[0]);
}

TEST(HooksOfTwoRanks, StopAtTheSameStepThoughOnlyOneOfThemAsks) {
  for (const int64_t rank : {0, 1}) {
    const TwoRanks seen = on_two_ranks({.stop_in = "step 0.1", .only_rank = rank}, 0);
    EXPECT_EQ(seen.hooks[0], first_hooks(4, "end 0.2"));
    EXPECT_EQ(seen.hooks[1], seen.hooks[0]);
  }
}

// Preempted before an evaluation, and resumed: the evaluation comes first, and all is as in one go.
TEST(Hooks, APreemptionBeforeAnEvaluationLeavesItToTheResume) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    const HookPlan plan{.stop_in = "validating 0.3", .wish = Wish::kPreempt};
    HookTraining whole(group, {}), parts(group, plan);
    const Restored straight = whole.run();
    const Restored stopped = parts.run();
    EXPECT_EQ(parts.hooks, first_hooks(6, "end 0.3"));
    EXPECT_EQ(parts.granted, Wish::kPreempt);
    EXPECT_TRUE(stopped.state.is_evaluation_pending());

    HookTraining& resumed = parts;
    resumed.hooks.clear();
    resumed.callbacks.clear();
    resumed.callbacks.push_back(std::make_unique<Recorder>(resumed.hooks, ""));
    const Restored end = resumed.run(stopped);
    Hooks expected = {"start 0.3"};
    expected.insert(expected.end(), kTwoEpochs.begin() + 5, kTwoEpochs.end());
    EXPECT_EQ(resumed.hooks, expected);
    EXPECT_EQ(resumed.granted, Wish::kNothing);
    EXPECT_TRUE(testing::bit_equal(resumed.weight(), whole.weight()));
    EXPECT_EQ(end.state.eval, straight.state.eval);
    EXPECT_EQ(end.state.best.epoch, straight.state.best.epoch);
  });
}

TEST(Hooks, AnEvaluationThatIsPendingIsMadeThoughNoStepIsLeft) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    HookTraining training(group,
                          {.max_steps = 3, .stop_in = "validating 0.3", .wish = Wish::kPreempt});
    const Restored stopped = training.run();
    training.hooks.clear();
    training.callbacks.clear();
    training.callbacks.push_back(std::make_unique<Recorder>(training.hooks, ""));
    training.run(stopped, /*max_steps=*/3);
    EXPECT_EQ(training.hooks,
              (Hooks{"start 0.3", "validating 0.3", "validation 0.3", "epoch_end 0.3", "end 1.0"}));
  });
}

TEST(Hooks, ASaveThatIsAskedForAnywhereIsGrantedInTheNextStep) {
  for (const auto& [asked_in, granted_at] : {std::pair{"start 0.0", 1},
                                             std::pair{"step 0.1", 2},
                                             std::pair{"validation 0.3", 4},
                                             std::pair{"epoch_end 0.3", 4}}) {
    testing::on_rank_threads(2, [&](const dist::ProcessGroup& group) {
      HookTraining training(group, {.stop_in = asked_in, .wish = Wish::kSave, .only_rank = 1});
      struct Grants : Callback {
        void on_step_end(const TrainState& state, Requests&) override {
          if (state.granted == Wish::kSave) steps.push_back(state.step);
        }
        std::vector<int64_t> steps;
      };
      auto grants = std::make_unique<Grants>();
      const Grants& seen = *grants;
      training.callbacks.push_back(std::move(grants));
      training.run();
      EXPECT_EQ(seen.steps, std::vector<int64_t>{granted_at}) << asked_in;
    });
  }
}

TEST(Hooks, APreemptionWithinAnEpochEndsWithoutEvaluation) {
  EXPECT_EQ(hooks_of({.stop_in = "step 0.1", .wish = Wish::kPreempt}), first_hooks(4, "end 0.2"));
}

}  // namespace
}  // namespace dtrain::train
