// Parts that only this test knows: an average, a schedule with state, a metric, a callback with
// state. Each is one class, and a line where the parts are put together; training, checkpoint,
// resume and the comparison of replicas take them as they take dtrain's own.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/state_list.h"
#include "dist/gradient_reducer.h"
#include "dist/parameter_sync.h"
#include "metrics/registry.h"
#include "nn/layers.h"
#include "optim/optimizer_factory.h"
#include "tasks/supervised_task.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/rank_threads.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "train/trainer.h"

namespace dtrain::train {
namespace {

struct Linear : nn::Classifier {
  Linear() {
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

// --- the parts -----------------------------------------------------------------------------------

// The mean of the last average and the weights.
class HalfWay : public optim::Average {
 public:
  explicit HalfWay(const Linear& model) : model_(dist::state_of(model)) {
    for (const auto& [name, tensor] : model_) own_.emplace_back(name, tensor.detach().clone());
  }
  std::string name() const override { return "half_way"; }
  state::NamedTensors state() const override { return own_; }
  void start() override { move(1.0); }
  void after_update() override { move(0.5); }

 private:
  void move(double share) {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < own_.size(); ++i) own_[i].second.lerp_(model_[i].second, share);
  }
  void exchange() override {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < own_.size(); ++i) {
      const at::Tensor value = model_[i].second.clone();
      model_[i].second.copy_(own_[i].second);
      own_[i].second.copy_(value);
    }
  }

  state::NamedTensors model_, own_;
};

// Half the rate after every evaluation whose loss is above 1.
class Plateau : public optim::Schedule {
 public:
  double operator()(int64_t) const override { return rate_.item<double>(); }
  void observe(const std::map<std::string, double>& evaluation) override {
    if (evaluation.at("loss") > 1) rate_.mul_(0.5);
  }
  state::NamedTensors state() const override { return {{"rate", rate_}}; }
  void load(const state::NamedTensors& values) override {
    dtrain::state::copy_by_name(values, state());
  }

 private:
  at::Tensor rate_ = at::full({}, 0.4, at::kDouble);
};

// The share of samples of class 0.
class ShareOfClassZero : public metrics::Metric {
 public:
  std::string name() const override { return "class_zero"; }
  int64_t width() const override { return 2; }
  void update(const metrics::Seen& seen, const at::Tensor& sums) const override {
    sums[0].add_(seen.targets.eq(0).sum());
    sums[1].add_(double(seen.targets.size(0)));
  }
  void values(std::span<const double> sums, metrics::Values& out) const override {
    out[name()] = ratio(sums);
  }
};

class StepCounter : public Callback, public state::Stateful {
 public:
  void on_step_end(const TrainState&, Requests&) override { steps_.add_(1); }
  std::string name() const override { return "step_counter"; }
  state::NamedTensors state() const override { return {{"", steps_}}; }
  void load(const state::NamedTensors& values) override {
    dtrain::state::copy_by_name(values, state());
  }
  int64_t steps() const { return steps_.item<int64_t>(); }

 private:
  at::Tensor steps_ = at::zeros({}, at::kLong);
};

// --- put together --------------------------------------------------------------------------------

constexpr uint64_t kSeed = 5;

class OwnTraining {
 public:
  explicit OwnTraining(const dist::ProcessGroup& group) : group_(group) {
    auto counter = std::make_unique<StepCounter>();
    counter_ = counter.get();
    callbacks_.push_back(std::move(counter));
  }

  // Four epochs of three steps, or until `max_steps`; from a checkpoint where there is one.
  TrainState run(int64_t max_steps, checkpoint::CheckpointData* data, const TrainState* at) {
    TrainState state;
    state.epochs = 4;
    state.steps_per_epoch = 3;
    state.ranks = group_.size();
    state.best.metric = "class_zero";
    TrainerOptions options{.train = {}, .log_interval = 50, .seed = kSeed};
    options.train.max_steps = max_steps;
    Trainer trainer(options,
                    state,
                    {.learner = learner_,
                     .task = task_,
                     .schedule = schedule_,
                     .guard = guard_,
                     .group = group_,
                     .control = control_,
                     .batches = batches_,
                     .evaluation = evaluation_,
                     .callbacks = callbacks_});
    checkpoint::StateList parts;
    for (state::Stateful* part : learner_.parts()) parts.add(*part);
    parts.add(schedule_);
    parts.add(trainer.metrics());
    parts.add(*counter_);
    if (at != nullptr) {
      parts.restore(*data, "a checkpoint", group_, control_);
      trainer.resume_from(*at);
    } else {
      learner_.start();
    }
    trainer.run();
    dist::check_replicas_equal(parts.replicated(), control_);
    parts.save(saved, control_);
    return trainer.state();
  }

  checkpoint::CheckpointData saved;
  int64_t steps() const { return counter_->steps(); }

 private:
  LearnerParts learner_parts() const {
    LearnerParts parts{
        .model = model_,
        .optimizer = optim::create_optimizer(*model_, {}),
        .scaler = std::make_unique<GradScaler>(GradScalerConfig{}, false),
        .gradients = std::make_unique<dist::GradientReducer>(*model_, group_, dist::DistConfig{})};
    parts.averages.push_back(std::make_unique<HalfWay>(*model_));
    return parts;
  }
  static metrics::MetricSet own_metrics() {
    std::vector<std::unique_ptr<metrics::Metric>> all;
    all.push_back(metrics::make_metric("loss", 4, "metrics"));
    all.push_back(std::make_unique<ShareOfClassZero>());
    return metrics::MetricSet(std::move(all));
  }

  dist::ProcessGroup group_, control_{group_.control_group()};
  testing::TinyDataset dataset_{{.train = 24}};
  data::Shard shard_{group_.rank(), group_.size()};
  data::DataLoader loader_{dataset_,
                           data::Sampler::training(24, 8 / group_.size(), false, kSeed, shard_),
                           {},
                           {.workers = 0, .seed = kSeed}};
  data::DataLoader eval_loader_{dataset_, data::Sampler::evaluation(24, 12, shard_), {}, {}};
  data::DevicePrefetcher batches_{loader_, {{0.5}, {0.5}}, at::kCPU, at::kDouble};
  data::DevicePrefetcher eval_batches_{eval_loader_, {{0.5}, {0.5}}, at::kCPU, at::kDouble};
  std::shared_ptr<Linear> model_ = std::make_shared<Linear>();
  Learner learner_{{.precision = Precision::kFloat64}, learner_parts(), group_};
  Plateau schedule_;
  UpdateGuard guard_{{}, *model_, control_, [](const FailedUpdate&) {}};
  tasks::SupervisedTask task_{tasks::LossConfig{}};
  EvaluationLoop evaluation_{
      *model_, task_, eval_batches_, control_, Precision::kFloat64, own_metrics()};
  StepCounter* counter_ = nullptr;
  std::vector<std::unique_ptr<Callback>> callbacks_;
};

void expect_same(const state::NamedTensors& a, const state::NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(testing::bit_equal(a[i].second, b[i].second)) << a[i].first;
  }
}

TEST(OwnParts, TrainStopAndResumeAsDtrainsOwnDo) {
  for (const int64_t ranks : {1, 2}) {
    for (const int64_t stop : {3, 5}) {
      testing::on_rank_threads(ranks, [&](const dist::ProcessGroup& group) {
        OwnTraining whole(group), first(group), second(group);
        const TrainState end = whole.run(0, nullptr, nullptr);
        const TrainState stopped = first.run(stop, nullptr, nullptr);
        const TrainState resumed = second.run(0, &first.saved, &stopped);
        EXPECT_EQ(stopped.step, stop);
        EXPECT_EQ(whole.steps(), 12);
        EXPECT_EQ(second.steps(), 12);
        EXPECT_EQ(resumed.best.epoch, end.best.epoch);
        EXPECT_EQ(resumed.best.metric, "class_zero");
        EXPECT_EQ(resumed.eval, end.eval);
        ASSERT_EQ(second.saved.weights.size(), 2U);
        EXPECT_EQ(second.saved.weights[1].name, "half_way");
        for (size_t i = 0; i < 2; ++i) {
          expect_same(second.saved.weights[i].tensors, whole.saved.weights[i].tensors);
        }
        expect_same(second.saved.state, whole.saved.state);
      });
    }
  }
}

}  // namespace
}  // namespace dtrain::train
