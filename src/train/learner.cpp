// What learns: a model, and everything that moves its weights.
#include "train/learner.h"

#include <ATen/ATen.h>

#include <optional>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "dist/parameter_sync.h"
#include "optim/grad_clip.h"
#include "util/check.h"

namespace dtrain::train {

std::string Learner::ModelWeights::name() const { return checkpoint::kModelWeights; }

state::NamedTensors Learner::ModelWeights::state() const { return dist::state_of(model_); }

Learner::Learner(LearnerOptions options, LearnerParts parts, const dist::ProcessGroup& group)
    : options_(options),
      parts_(std::move(parts)),
      group_(group),
      weights_(*parts_.model),
      parameters_(parts_.model->parameters()) {}

void Learner::start() {
  dist::broadcast_module(*parts_.model, group_);
  for (const auto& average : parts_.averages) average->start();
}

void Learner::start_update(double lr) {
  parts_.optimizer->set_lr(lr);
  parts_.gradients->zero_grad();
}

tasks::TaskOutput Learner::forward_backward(const data::Batch& batch,
                                            tasks::Task& task,
                                            int64_t samples,
                                            bool is_last) {
  std::optional<dist::GradientSync::NoSync> add_up;
  if (!is_last) add_up.emplace(*parts_.gradients);
  if (parts_.shards) parts_.shards->start_batch(batch.global_size);
  tasks::TaskOutput out;
  {
    AutocastScope autocast(options_.precision, batch.images.device());
    parts_.gradients->prepare_forward();
    out = task.forward(batch, *parts_.model);
  }
  // Gradients are summed over micro-batches and ranks: divided by all their samples, it is the mean
  // whatever the sizes.
  parts_.gradients->backward(
      parts_.scaler->scale(out.loss_sum * (1.0 / static_cast<double>(samples))));
  return out;
}

Learner::Gradients Learner::finish_gradients(const dist::ProcessGroup& control) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters_) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  const bool fit = parts_.scaler->unscale(gradients, control);
  return {fit, optim::clip_grad_norm(parameters_, options_.clip_grad)};
}

void Learner::apply() {
  parts_.optimizer->step();
  if (parts_.buffers) parts_.buffers->run();
  for (const auto& average : parts_.averages) average->after_update();
}

double Learner::communication_seconds() const {
  return parts_.gradients->exposed_seconds() + group_.waited_seconds();
}

std::string Learner::evaluated_weights() const {
  return parts_.averages.empty() ? weights_.name() : parts_.averages.front()->name();
}

std::unique_ptr<optim::Average::Scope> Learner::with_evaluated_weights() {
  if (parts_.averages.empty()) return nullptr;
  return std::make_unique<optim::Average::Scope>(*parts_.averages.front());
}

std::vector<state::Stateful*> Learner::parts() {
  std::vector<state::Stateful*> all = {&weights_};
  for (const auto& average : parts_.averages) {
    all.push_back(average.get());
    for (state::Stateful* more : average->more_state()) all.push_back(more);
  }
  all.push_back(parts_.optimizer.get());
  all.push_back(parts_.scaler.get());
  return all;
}

}  // namespace dtrain::train
