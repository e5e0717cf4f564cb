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
#include "optim/optimizer_factory.h"
#include "tasks/supervised_task.h"
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
  Recorder(Hooks& hooks, std::string stop_in) : hooks_(hooks), stop_in_(std::move(stop_in)) {}
  void on_train_start(TrainState& s) override { note("start", s); }
  void on_epoch_start(TrainState& s) override { note("epoch", s); }
  void on_step_end(TrainState& s) override { note("step", s); }
  void on_validation_end(TrainState& s) override { note("validation", s); }
  void on_epoch_end(TrainState& s) override { note("epoch_end", s); }
  void on_train_end(TrainState& s) override { note("end", s); }

 private:
  void note(const std::string& hook, TrainState& s) {
    hooks_.push_back(hook + " " + std::to_string(s.epoch) + "." + std::to_string(s.batch));
    if (hooks_.back() == stop_in_) s.should_stop = true;
  }

  Hooks& hooks_;
  std::string stop_in_;
};

// 24 samples in 3 global batches, two epochs unless said otherwise.
struct HookPlan {
  int64_t accumulate = 1, epochs = 2, max_steps = 0, eval_interval = 1;
  double lr = 0.1;
  std::string stop_in = {};
  int64_t nan_in_call = -1;
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
        optimizer_(optim::create_optimizer(model_, rule())),
        schedule_(constant(), plan.lr, 3, plan.epochs),
        gradients_(model_, group_, {}),
        guard_({.policy = "rollback"}, model_, control_, [](const FailedUpdate&) {}),
        task_(plan.nan_in_call),
        evaluation_(model_, eval_task_, eval_batches_, control_, Precision::kFloat64) {
    callbacks.push_back(std::make_unique<Recorder>(hooks, plan.stop_in));
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
    TrainerOptions options{
        .train = {}, .precision = Precision::kFloat64, .log_interval = 50, .seed = kSeed};
    options.train.grad_accum_steps = plan_.accumulate;
    options.train.eval_interval = plan_.eval_interval;
    options.train.max_steps = max_steps;
    Trainer trainer(options,
                    restored.state,
                    {.model = model_,
                     .task = task_,
                     .optimizer = *optimizer_,
                     .schedule = schedule_,
                     .gradients = gradients_,
                     .scaler = scaler_,
                     .guard = guard_,
                     .group = group_,
                     .control = control_,
                     .batches = batches_,
                     .evaluation = evaluation_,
                     .callbacks = callbacks,
                     .roll_back = [this] { return checkpoint; }});
    if (restored.metric_sums.defined()) trainer.restore_metric_sums(restored.metric_sums);
    trainer.run();
    return {trainer.state(), trainer.metric_sums()};
  }
  Restored run() { return run({beginning(), {}}, plan_.max_steps); }

  at::Tensor weight() const { return model_.layer->named_parameters()["weight"].detach().clone(); }

  Hooks hooks;
  std::vector<std::unique_ptr<Callback>> callbacks;
  std::optional<Restored> checkpoint;  // to roll back to

 private:
  static constexpr uint64_t kSeed = 5;

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
  OneLayer model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  optim::LRSchedule schedule_;
  dist::GradientReducer gradients_;
  GradScaler scaler_{{}, false};
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
                          "validation 0.3",
                          "epoch_end 0.3",
                          "epoch 1.0",
                          "step 1.1",
                          "step 1.2",
                          "step 1.3",
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
    EXPECT_EQ(training.hooks.size(), 16U);
  });
}

TEST(Hooks, AStopWithinAnEpochEndsTheTrainingBehindThatStepWithoutEvaluation) {
  EXPECT_EQ(hooks_of({.stop_in = "step 0.2"}), first_hooks(4, "end 0.2"));
  EXPECT_EQ(hooks_of({.max_steps = 2}), first_hooks(4, "end 0.2"));
}

TEST(Hooks, AStopAtTheLastStepOfAnEpochStillFinishesTheEpoch) {
  EXPECT_EQ(hooks_of({.stop_in = "step 0.3"}), first_hooks(7, "end 1.0"));
  EXPECT_EQ(hooks_of({.max_steps = 3}), first_hooks(7, "end 1.0"));
}

TEST(Hooks, AStopBehindAnEvaluationFinishesTheEpochToo) {
  EXPECT_EQ(hooks_of({.stop_in = "validation 0.3"}), first_hooks(7, "end 1.0"));
  EXPECT_EQ(hooks_of({.stop_in = "epoch_end 0.3"}), first_hooks(7, "end 1.0"));
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
    EXPECT_EQ(resumed.state.best_epoch, straight.state.best_epoch);
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
    training.checkpoint = Restored{checkpoint, {}};
    const Restored end = training.run();
    Hooks expected(kTwoEpochs.begin(), kTwoEpochs.begin() + 10);  // up to step 1.2
    const Hooks again = {"start 1.0",
                         "epoch 1.0",
                         "step 1.1",
                         "step 1.2",
                         "step 1.3",  // its update is left out this time
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
    training.checkpoint = stopped;
    const Restored end = training.run(stopped);
    EXPECT_EQ(training.hooks,
              (Hooks{"start 0.1",
                     "epoch 0.1",
                     "step 0.2",
                     "start 0.1",
                     "epoch 0.1",
                     "step 0.2",
                     "step 0.3",
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
    EXPECT_EQ(seen.ends[0].best_top1, seen.ends[1].best_top1);
    EXPECT_EQ(seen.ends[0].best_epoch, seen.ends[1].best_epoch);
  }
}

TEST(HooksOfTwoRanks, EndTogetherWhenNothingImproves) {
  const TwoRanks seen = on_two_ranks({.epochs = 9, .lr = 0}, 2);
  for (const TrainState& end : seen.ends) {
    EXPECT_EQ(end.epoch, 3);  // the first was the best, two were not
    EXPECT_EQ(end.best_epoch, 0);
    EXPECT_EQ(end.evaluations_since_best, 2);
  }
  EXPECT_EQ(seen.hooks[0], seen.hooks[1]);
  EXPECT_EQ(seen.hooks[0].back(), "end 3.0");
}

TEST(HooksOfTwoRanks, StopAtTheSameStep) {
  const TwoRanks seen = on_two_ranks({.stop_in = "step 1.1"}, 0);
  EXPECT_EQ(seen.hooks[0], first_hooks(9, "end 1.1"));
  EXPECT_EQ(seen.hooks[1], seen.hooks[0]);
}

}  // namespace
}  // namespace dtrain::train
