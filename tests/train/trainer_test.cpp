// Updates as a whole: accumulation, overflow and non-finite losses, over ranks that are threads.
#include "train/trainer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>

#include "dist/gradient_reducer.h"
#include "dist/parameter_sync.h"
#include "nn/batch_norm.h"
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

namespace dtrain::train {
namespace {

using testing::TinyDataset;

// Without `norm` it has no batch statistics: its mean gradient does not depend on how samples are
// cut into batches.
struct Perceptron : nn::Classifier {
  explicit Perceptron(bool with_norm) {
    if (with_norm) norm = register_module("norm", std::make_shared<nn::BatchNorm2dImpl>(1));
    first = register_module("first", std::make_shared<nn::Linear>(64, 16));
    second = register_module("second", std::make_shared<nn::Linear>(16, 4));
    const at::NoGradGuard no_grad;
    for (auto& item : named_parameters()) {
      item.value().copy_(testing::formula(item.key(), item.value().sizes(), 0.3));
      item.value().set_data(item.value().to(at::kDouble));
    }
    if (with_norm) norm->to(at::kDouble);
  }
  at::Tensor forward(const at::Tensor& images) override {
    const at::Tensor in = norm ? norm->forward(images) : images;
    return second->forward(at::tanh(first->forward(in.flatten(1))));
  }
  std::shared_ptr<nn::BatchNorm2dImpl> norm;
  std::shared_ptr<nn::Linear> first, second;
};

// A supervised task whose loss, or whose gradient alone, is NaN where a test wants it.
struct Fault {
  int64_t rank = -1, call = -1;  // the call of forward, counted from 0
  bool in_loss = true;
  std::set<int64_t> samples = {};  // and whenever one of these is in the batch
};

class FaultyTask : public tasks::Task {
 public:
  FaultyTask(int64_t rank, Fault fault) : task_(tasks::LossConfig{}), rank_(rank), fault_(fault) {}
  tasks::TaskOutput forward(const data::Batch& batch, nn::Classifier& model) override {
    auto out = task_.forward(batch, model);
    if (!(calls_++ == fault_.call && rank_ == fault_.rank) && !holds_faulty(batch)) return out;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    if (fault_.in_loss) {
      out.loss_sum = out.loss_sum * nan;
    } else {
      out.loss_sum.register_hook([nan](const at::Tensor& gradient) { return gradient * nan; });
    }
    return out;
  }

 private:
  bool holds_faulty(const data::Batch& batch) const {
    const int64_t* ids = batch.ids.const_data_ptr<int64_t>();
    return std::any_of(
        ids, ids + batch.ids.numel(), [&](int64_t id) { return fault_.samples.count(id) > 0; });
  }

  tasks::SupervisedTask task_;
  int64_t rank_, calls_ = 0;
  Fault fault_;
};

struct Settings {
  int64_t samples = 48, batch = 8, accumulate = 1, epochs = 1;
  bool drop_last = false;
  Fault fault = {};
  NonFiniteConfig nonfinite = {};
  bool scaled = false;
  bool norm = false;
  int64_t max_steps = 0;
};

struct Outcome {
  dist::NamedTensors weights;    // and buffers
  dist::NamedTensors optimizer;  // its state
  TrainState state;
  double scale = 0;
  std::vector<FailedUpdate> failed;
};

dist::NamedTensors copies(const dist::NamedTensors& tensors) {
  dist::NamedTensors copied;
  for (const auto& [name, tensor] : tensors) copied.emplace_back(name, tensor.detach().clone());
  return copied;
}

// Trains a perceptron from its formula; the same for every rank of `group`.
Outcome train(const dist::ProcessGroup& group, const Settings& s) {
  const auto model = std::make_shared<Perceptron>(s.norm);
  if (s.norm) nn::synchronise_batch_norm(*model, group);
  TinyDataset dataset({.train = s.samples});
  const uint64_t seed = 5;
  data::DataLoader loader(
      dataset,
      data::Sampler::training(s.samples, s.batch, s.drop_last, seed, {group.rank(), group.size()}),
      {},
      {.workers = 0, .seed = seed});
  data::DevicePrefetcher batches(loader, {{0.5}, {0.5}}, at::kCPU, at::kDouble);
  optim::OptimizerConfig rule;
  rule.lr = 0.1;
  TrainState state;
  state.epochs = s.epochs;
  state.steps_per_epoch = (loader.batches_per_epoch() + s.accumulate - 1) / s.accumulate;
  optim::ScheduleConfig constant;
  constant.name = "constant";
  optim::LRSchedule schedule(constant, rule.lr, state.steps_per_epoch, state.epochs);
  const dist::ProcessGroup control = group.control_group();
  LearnerParts parts{
      .model = model,
      .optimizer = optim::create_optimizer(*model, rule),
      .scaler = std::make_unique<GradScaler>(GradScalerConfig{.init_scale = 1024}, s.scaled),
      .gradients = std::make_unique<dist::GradientReducer>(*model, group, dist::DistConfig{})};
  optim::Optimizer* const optimizer = parts.optimizer.get();
  Learner learner({.precision = Precision::kFloat64}, std::move(parts), group);
  Outcome outcome;
  UpdateGuard guard(s.nonfinite, *model, control, [&](const FailedUpdate& failed) {
    outcome.failed.push_back(failed);
  });
  FaultyTask task(group.rank(), s.fault);
  data::DataLoader eval_loader(
      dataset, data::Sampler::evaluation(s.samples, 16, {group.rank(), group.size()}), {}, {});
  data::DevicePrefetcher eval_batches(eval_loader, {{0.5}, {0.5}}, at::kCPU, at::kDouble);
  EvaluationLoop evaluation(
      *model, task, eval_batches, control, Precision::kFloat64, testing::usual_metrics(4));
  std::vector<std::unique_ptr<Callback>> callbacks;
  TrainerOptions options{.train = {}, .log_interval = 1, .seed = seed};
  options.train.grad_accum_steps = s.accumulate;
  options.train.max_steps = s.max_steps;
  const auto live = [&] {
    dist::NamedTensors tensors = dist::state_of(*model);
    for (const auto& named : optimizer->state()) tensors.push_back(named);
    return tensors;
  };
  const dist::NamedTensors beginning = copies(live());
  // Back to the beginning, which stands for the last checkpoint.
  const auto roll_back = [&]() -> std::optional<TrainState> {
    const at::NoGradGuard no_grad;
    const dist::NamedTensors now = live();
    for (size_t i = 0; i < now.size(); ++i) now[i].second.detach().copy_(beginning[i].second);
    return state;
  };
  Trainer trainer(options,
                  state,
                  {.learner = learner,
                   .task = task,
                   .schedule = schedule,
                   .guard = guard,
                   .group = group,
                   .control = control,
                   .batches = batches,
                   .evaluation = evaluation,
                   .callbacks = callbacks,
                   .roll_back = roll_back});
  trainer.run();
  outcome.weights = copies(dist::state_of(*model));
  outcome.optimizer = copies(optimizer->state());
  dist::check_replicas_equal(*model, control);
  outcome.state = trainer.state();
  outcome.scale = learner.scaler().scale();
  return outcome;
}

Outcome train_on(int64_t ranks, const Settings& settings) {
  Outcome of_rank_0;
  std::mutex mutex;
  testing::on_rank_threads(ranks, [&](const dist::ProcessGroup& group) {
    Outcome outcome = train(group, settings);
    const std::lock_guard lock(mutex);
    if (group.rank() == 0) of_rank_0 = std::move(outcome);
  });
  return of_rank_0;
}

double largest_difference(const dist::NamedTensors& a, const dist::NamedTensors& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, (a[i].second - b[i].second).abs().max().item<double>());
  }
  return largest;
}

bool same_bits(const dist::NamedTensors& a, const dist::NamedTensors& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!testing::bit_equal(a[i].second, b[i].second)) return false;
  }
  return a.size() == b.size();
}

TEST(Accumulation, OfSmallBatchesIsTheBigBatch) {
  const Outcome whole = train_on(1, {.samples = 48, .batch = 24, .epochs = 2});
  for (const int64_t ranks : {1, 2, 3}) {
    const Outcome parts =
        train_on(ranks, {.samples = 48, .batch = 12 / ranks, .accumulate = 2, .epochs = 2});
    EXPECT_EQ(parts.state.step, whole.state.step);
    EXPECT_LT(largest_difference(parts.weights, whole.weights), 1e-12) << ranks << " ranks";
  }
}

TEST(Accumulation, AveragesAShortLastWindowByItsSamples) {
  // 37 samples: windows of 15 = 3 x 5, 15, and 7 = 5 + 2.
  const Outcome whole = train_on(1, {.samples = 37, .batch = 15, .epochs = 2});
  const Outcome parts = train_on(1, {.samples = 37, .batch = 5, .accumulate = 3, .epochs = 2});
  EXPECT_EQ(parts.state.step, 6);
  EXPECT_LT(largest_difference(parts.weights, whole.weights), 1e-12);
}

TEST(Batches, OfUnequalSizesOnTheRanksHaveTheMeanOfAllSamples) {
  // The last batch has 7 samples: 3, 2 and 2 on three ranks.
  const Outcome whole = train_on(1, {.samples = 37, .batch = 15, .epochs = 2});
  const Outcome parts = train_on(3, {.samples = 37, .batch = 5, .epochs = 2});
  EXPECT_LT(largest_difference(parts.weights, whole.weights), 1e-12);
}

TEST(NonFinite, LossOnOneRankStopsAllWithoutAChangeAndNamesTheRank) {
  std::mutex mutex;
  std::vector<std::string> lines;
  const auto failures = testing::failures_on_rank_threads(2, [&](const dist::ProcessGroup& group) {
    try {
      train(group, {.fault = {.rank = 1, .call = 2}});
    } catch (const dist::PeerFailed& peer) {
      EXPECT_EQ(peer.rank(), 1);
      throw;
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      lines.push_back(error.what());
      EXPECT_EQ(error.code(), ExitCode::kData);
      throw;
    }
  });
  EXPECT_TRUE(failures[0] && failures[1]);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(testing::mentions(lines[0], {"loss", "not finite", "rank 1"}));
}

TEST(NonFinite, SkipChangesNoWeightNoStatisticAndNoMomentum) {
  Settings settings{.samples = 48, .batch = 8, .nonfinite = {.policy = "skip"}, .norm = true};
  settings.max_steps = 1;
  const Outcome before = train_on(2, settings);
  settings.max_steps = 2;
  const Outcome sound = train_on(2, settings);
  EXPECT_FALSE(same_bits(sound.weights, before.weights));
  for (const bool in_loss : {true, false}) {
    settings.fault = {.rank = 1, .call = 1, .in_loss = in_loss};
    const Outcome skipped = train_on(2, settings);
    EXPECT_EQ(skipped.state.step, 2);
    EXPECT_EQ(skipped.state.skipped_updates, 1);
    EXPECT_TRUE(same_bits(skipped.weights, before.weights));
    EXPECT_TRUE(same_bits(skipped.optimizer, before.optimizer));
  }
}

TEST(NonFinite, SkipGoesOnWithFiniteMeans) {
  Settings settings{.samples = 48, .batch = 8, .nonfinite = {.policy = "skip"}};
  settings.fault = {.rank = 1, .call = 1};
  const Outcome skipped = train_on(2, settings);
  EXPECT_EQ(skipped.state.step, 3);
  EXPECT_TRUE(std::isfinite(skipped.state.train.at("loss")));
}

TEST(NonFinite, RollbackIsASkipThatIsKnownBeforehand) {
  // The fault comes back with its sample each time the update is made again.
  Settings settings{.samples = 48, .batch = 8, .epochs = 2, .norm = true};
  settings.fault = {.samples = {7}};
  settings.nonfinite = {.policy = "skip"};
  const Outcome skipped = train_on(2, settings);
  settings.nonfinite = {.policy = "rollback"};
  const Outcome rolled_back = train_on(2, settings);
  EXPECT_EQ(rolled_back.state.step, 6);
  EXPECT_EQ(skipped.state.skipped_updates, 2);
  EXPECT_TRUE(same_bits(rolled_back.weights, skipped.weights));
  EXPECT_TRUE(same_bits(rolled_back.optimizer, skipped.optimizer));
}

TEST(NonFinite, RollbacksEndWhenUpdatesGoOnFailing) {
  Settings settings{.samples = 48, .batch = 2, .nonfinite = {.policy = "rollback"}};
  for (int64_t sample = 0; sample < 48; sample += 2) settings.fault.samples.insert(sample);
  std::atomic<int> ended = 0;
  testing::failures_on_rank_threads(2, [&](const dist::ProcessGroup& group) {
    try {
      train(group, settings);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_TRUE(testing::mentions(error.what(), {"not finite", "max_skips"})) << error.what();
      ++ended;
    }
  });
  EXPECT_EQ(ended, 2);
}

TEST(NonFinite, GradientsAloneAreFoundToo) {
  Settings settings{.nonfinite = {.policy = "skip"}};
  settings.fault = {.rank = 1, .call = 1, .in_loss = false};
  EXPECT_EQ(train_on(2, settings).state.skipped_updates, 1);
}

TEST(NonFinite, ReportNamesStepSamplesAndScaleOnTheRankOfTheLoss) {
  std::mutex mutex;
  std::vector<FailedUpdate> reports;
  testing::on_rank_threads(2, [&](const dist::ProcessGroup& group) {
    Settings settings{.batch = 4, .accumulate = 2, .nonfinite = {.policy = "skip"}};
    settings.fault = {.rank = 1, .call = 4};
    const Outcome outcome = train(group, settings);
    const std::lock_guard lock(mutex);
    for (const auto& failed : outcome.failed) reports.push_back(failed);
  });
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].rank, 1);
  EXPECT_EQ(reports[0].step, 2);
  EXPECT_EQ(reports[0].samples.size(), 8U);
  EXPECT_TRUE(std::isnan(reports[0].loss_sum));
  EXPECT_EQ(reports[0].images.size(0), 4);
}

TEST(NonFinite, ReportShowsTheMicroBatchWithTheBadLoss) {
  for (const int64_t bad : {0, 1, 2}) {
    testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
      Settings settings{.batch = 4, .accumulate = 3, .nonfinite = {.policy = "skip"}};
      settings.fault = {.rank = 0, .call = bad};
      settings.max_steps = 1;
      const Outcome outcome = train(group, settings);
      ASSERT_EQ(outcome.failed.size(), 1U);
      const FailedUpdate& failed = outcome.failed[0];
      const TinyDataset dataset({.train = settings.samples});
      for (int64_t i = 0; i < 4; ++i) {
        data::Sample sample;
        dataset.read(failed.samples[size_t(4 * bad + i)], sample);
        const double first = (sample.image.pixels[0] / 255.0 - 0.5) / 0.5;
        EXPECT_NEAR(failed.images[i][0][0][0].item<double>(), first, 1e-6);
      }
    });
  }
}

TEST(NonFinite, WithALossScaleBadGradientsAreAnOverflowThatLowersIt) {
  Settings settings{.nonfinite = {.policy = "stop"}, .scaled = true};
  settings.fault = {.rank = 1, .call = 1, .in_loss = false};
  const Outcome outcome = train_on(2, settings);
  EXPECT_EQ(outcome.state.skipped_updates, 1);
  EXPECT_EQ(outcome.scale, 512.0);
}

TEST(LossScale, ChangesNothingWhereNothingOverflows) {
  const Outcome plain = train_on(2, {.epochs = 2});
  const Outcome scaled = train_on(2, {.epochs = 2, .scaled = true});
  EXPECT_LT(largest_difference(plain.weights, scaled.weights), 1e-7);
}

}  // namespace
}  // namespace dtrain::train
