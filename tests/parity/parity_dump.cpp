// parity_dump FOLDER DTYPE MODEL WIDTH STEPS LR [zero]
//
// Trains under mpirun with the parts of the product and writes down what a reference in Python
// needs to do the same: tests/parity/README.md describes the files. DTYPE is float32 or float64;
// `zero` zero-initialises the residual branches.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/datasets/dataset_registry.h"
#include "data/loader/data_loader.h"
#include "data/loader/device_prefetcher.h"
#include "data/transforms/factory.h"
#include "dist/gradient_reducer.h"
#include "dist/mpi_scope.h"
#include "dist/parameter_sync.h"
#include "dist/rendezvous.h"
#include "models/registry.h"
#include "nn/batch_norm.h"
#include "nn/conversion.h"
#include "optim/lr_schedule.h"
#include "optim/optimizer_factory.h"
#include "tasks/supervised_task.h"
#include "tests/support/evaluation_metrics.h"
#include "tests/support/tensor_file.h"
#include "train/evaluation_loop.h"
#include "train/trainer.h"

namespace dtrain {
namespace {

constexpr int64_t kBatch = 8;
constexpr double kClip = 2.0;
constexpr int64_t kSeed = 7;

struct Settings {
  std::filesystem::path folder;
  std::string dtype, model;
  int64_t width = 0, steps = 0;
  bool zero_init = false;
  int64_t accumulate = 1;
  train::Precision precision{};

  optim::OptimizerConfig optimizer;
  optim::ScheduleConfig schedule;
  tasks::LossConfig loss;
};

Settings parse(int argc, char** argv) {
  Settings s;
  s.folder = argv[1];
  s.dtype = argv[2];
  s.model = argv[3];
  s.width = std::stoll(argv[4]);
  s.steps = std::stoll(argv[5]);
  for (int i = 7; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "zero") s.zero_init = true;
    if (option == "accumulate") s.accumulate = 3;
  }
  s.precision = train::resolve_precision(s.dtype, at::kCPU);
  s.optimizer.lr = std::stod(argv[6]);
  s.optimizer.weight_decay = 5e-4;
  s.optimizer.no_decay_norm_bias = true;
  s.schedule.warmup_epochs = 0.2;  // of one epoch of `steps`
  s.schedule.warmup_factor = 0.1;
  s.schedule.min_lr = 0.01 * s.optimizer.lr;
  s.loss.label_smoothing = 0.1;
  return s;
}

// Remembers what goes into the model and what comes out.
class RecordingTask : public tasks::Task {
 public:
  explicit RecordingTask(const tasks::LossConfig& config) : task_(config) {}

  tasks::TaskOutput forward(const data::Batch& batch, nn::Classifier& model) override {
    tasks::TaskOutput out = task_.forward(batch, model);
    images_.push_back(batch.images.contiguous());
    targets_.push_back(batch.targets);
    losses_.push_back(out.loss_sum.detach().to(at::kDouble) / static_cast<double>(batch.size()));
    return out;
  }

  checkpoint::NamedTensors record() const {
    return {{"images", at::stack(images_)},
            {"targets", at::stack(targets_)},
            {"losses", at::stack(losses_)}};
  }

 private:
  tasks::SupervisedTask task_;
  std::vector<at::Tensor> images_, targets_, losses_;
};

nlohmann::json describe(const Settings& s, int64_t ranks) {
  return {{"ranks", ranks},
          {"steps", s.steps},
          {"dtype", s.dtype},
          {"model", s.model},
          {"width", s.width},
          {"label_smoothing", s.loss.label_smoothing},
          {"clip_grad", kClip},
          {"accumulate", s.accumulate},
          {"lr", s.optimizer.lr},
          {"momentum", s.optimizer.momentum},
          {"weight_decay", s.optimizer.weight_decay},
          {"warmup_steps", s.schedule.warmup_epochs * static_cast<double>(s.steps)},
          {"warmup_factor", s.schedule.warmup_factor},
          {"min_lr", s.schedule.min_lr}};
}

// Note [What parity can show]
// A rounding error of 1e-7 now and then flips a ReLU, and training multiplies it: float64 that
// starts from weights disturbed by 1e-7 departs from itself by 1e-3 within thirty steps at a
// learning rate of 0.001, and an open ResNet-50 (gradient norm 57) turns 1e-15 into 4e-5 within
// fourteen steps at 0.01; neither is an error of anybody. Zero-initialised residual branches tame
// it. So: float32 is compared with zeroed branches at a low learning rate, where a flip costs less
// than 1e-5; float64, where flips are a billion times rarer, at a high one, ResNet-18 with all
// branches open and ResNet-50 with zeroed ones.

void dump(const Settings& s, const dist::MpiScope& mpi) {
  const dist::DistConfig dist_config;
  dist::ProcessGroup group = dist::rendezvous(mpi, dist_config, at::kCPU);
  const at::ScalarType dtype = train::weight_dtype(s.precision);

  data::DatasetConfig data_config;
  data_config.dataset = "fashion_mnist";
  const auto dataset = data::open_dataset(data_config, data::Split::kTrain);
  const auto& row = data::find_dataset(data_config.dataset);
  data::TransformConfig transforms;
  transforms.random_crop_padding = 2;
  transforms.random_erasing = 0.25;
  const auto normalization = data::resolve_normalization(transforms, row.mean, row.std, 1);
  data::DataLoader loader(
      *dataset,
      data::Sampler::training(dataset->size(), kBatch, true, kSeed, {group.rank(), group.size()}),
      {data::make_train_view(transforms, normalization, dataset->shape())},
      {.workers = 1, .prefetch = 4, .seed = kSeed});
  data::DevicePrefetcher batches(loader, normalization, at::kCPU, dtype);

  const auto model = models::create_model({.name = s.model,
                                           .in_channels = 1,
                                           .num_classes = dataset->num_classes(),
                                           .stem = "small",
                                           .width = s.width,
                                           .zero_init_residual = s.zero_init},
                                          kSeed);
  nn::set_dtype(*model, dtype);
  dist::broadcast_module(*model, group);
  nn::synchronise_batch_norm(*model, group);
  if (group.rank() == 0) {
    testing::write_tensors(s.folder / "weights_before.safetensors", dist::state_of(*model));
  }

  RecordingTask task(s.loss);
  optim::LRSchedule schedule(s.schedule, s.optimizer.lr, s.steps, /*epochs=*/1);
  train::Learner learner(
      {.precision = s.precision, .clip_grad = kClip},
      {.model = model,
       .optimizer = optim::create_optimizer(*model, s.optimizer),
       .scaler = std::make_unique<train::GradScaler>(train::GradScalerConfig{}, false),
       .gradients = std::make_unique<dist::GradientReducer>(*model, group, dist_config)},
      group);
  train::EvaluationLoop evaluation(
      *model, task, batches, group, s.precision, testing::usual_metrics(dataset->num_classes()));
  std::vector<std::unique_ptr<train::Callback>> callbacks;
  train::TrainState state;
  state.epochs = 1;
  state.steps_per_epoch = s.steps;
  train::TrainConfig train_config;
  train_config.grad_accum_steps = s.accumulate;
  const dist::ProcessGroup control = group.control_group();
  train::UpdateGuard guard({}, *model, control, [](const train::FailedUpdate&) {});
  train::Trainer trainer({train_config, /*log_interval=*/50, kSeed},
                         state,
                         {.learner = learner,
                          .task = task,
                          .schedule = schedule,
                          .guard = guard,
                          .group = group,
                          .control = control,
                          .batches = batches,
                          .evaluation = evaluation,
                          .callbacks = callbacks});
  model->train();
  batches.start_epoch(0);
  for (int64_t step = 0; step < s.steps; ++step) {
    trainer.train_step();
  }

  testing::write_tensors(s.folder / ("rank" + std::to_string(group.rank()) + ".safetensors"),
                         task.record());
  if (group.rank() == 0) {
    testing::write_tensors(s.folder / "weights_after.safetensors", dist::state_of(*model));
    std::ofstream(s.folder / "settings.json") << describe(s, group.size()).dump(1) << "\n";
  }
}

}  // namespace
}  // namespace dtrain

int main(int argc, char** argv) {
  dtrain::dist::MpiScope mpi(&argc, &argv);
  if (argc < 7) {
    std::fprintf(
        stderr,
        "usage: parity_dump FOLDER float32|float64 MODEL WIDTH STEPS LR [zero] [accumulate]\n");
    dtrain::dist::MpiScope::abort(64);
  }
  try {
    at::set_num_threads(1);
    dtrain::dump(dtrain::parse(argc, argv), mpi);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "parity_dump: rank %d: %s\n", mpi.rank(), error.what());
    dtrain::dist::MpiScope::abort(1);
  }
}
