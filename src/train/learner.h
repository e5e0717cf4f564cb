// What learns: a model, and everything that moves its weights.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/batch.h"
#include "dist/buffer_average.h"
#include "dist/gradient_sync.h"
#include "dist/process_group.h"
#include "nn/classifier.h"
#include "nn/virtual_shards.h"
#include "optim/average.h"
#include "optim/optimizer.h"
#include "state/stateful.h"
#include "tasks/task.h"
#include "train/autocast.h"
#include "train/grad_scaler.h"

namespace dtrain::train {

struct LearnerOptions {
  Precision precision = Precision::kFloat32;
  double clip_grad = 0.0;  // largest norm of the gradients; 0: no limit
};

// Made by whoever puts a training together (run/train_run), and the learner's from then on.
struct LearnerParts {
  std::shared_ptr<nn::Classifier> model;
  std::unique_ptr<optim::Optimizer> optimizer;
  std::unique_ptr<GradScaler> scaler;
  std::unique_ptr<dist::GradientSync> gradients;
  std::vector<std::unique_ptr<optim::Average>> averages = {};  // the first one is evaluated
  std::shared_ptr<nn::VirtualShards> shards = nullptr;         // of the deterministic world
  std::unique_ptr<dist::BufferAverage> buffers = nullptr;  // of batch norm that is not synchronised
};

// One update is start_update(), forward_backward() for each micro-batch, finish_gradients(), and
// then apply() or nothing. Every rank calls the same methods in the same order.
class Learner {
 public:
  Learner(LearnerOptions options, LearnerParts parts, const dist::ProcessGroup& group);

  // Rank 0's weights everywhere, and averages that start from them. Collective. Not after a resume.
  void start();

  void start_update(double lr);
  // `samples`: of the whole update, over all ranks and micro-batches. In the last one the reduction
  // overlaps the backward pass; the others add up locally.
  tasks::TaskOutput forward_backward(const data::Batch& batch,
                                     tasks::Task& task,
                                     int64_t samples,
                                     bool is_last);
  struct Gradients {
    bool fit = true;    // none overflowed under the loss scale, on any rank
    double norm = 0.0;  // before clipping
  };
  // Reduced by now. Unscales and clips. Collective, on `control`, with a loss scale.
  Gradients finish_gradients(const dist::ProcessGroup& control);
  // The weights follow the gradients, and the averages the weights.
  void apply();
  // After every update, made or not. Throws Error(kData) on every rank when no scale helps.
  void move_loss_scale(bool fit) { parts_.scaler->update(fit); }

  nn::Classifier& model() { return *parts_.model; }
  const GradScaler& scaler() const { return *parts_.scaler; }
  double communication_seconds() const;  // that this rank spent waiting so far
  bool is_on_cpu() const { return parameters_.front().is_cpu(); }

  // Which weights are evaluated: "model", or the name of an average.
  std::string evaluated_weights() const;
  // While it lives, the model computes with them.
  std::unique_ptr<optim::Average::Scope> with_evaluated_weights();

  // For the list of states (checkpoint/state_list.h): weights, averages, optimizer, loss scale.
  std::vector<state::Stateful*> parts();

 private:
  // The model's weights as a part of checkpoints.
  class ModelWeights : public state::Stateful {
   public:
    explicit ModelWeights(const nn::Classifier& model) : model_(model) {}
    std::string name() const override;
    state::Kind kind() const override { return state::Kind::kWeights; }
    state::NamedTensors state() const override;
    void load(const state::NamedTensors& values) override { state::copy_by_name(values, state()); }

   private:
    const nn::Classifier& model_;
  };

  LearnerOptions options_;
  LearnerParts parts_;
  const dist::ProcessGroup& group_;
  ModelWeights weights_;
  std::vector<at::Tensor> parameters_;
};

}  // namespace dtrain::train
