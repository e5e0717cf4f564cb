// One training, from the settings to the last checkpoint.
#include "run/train_run.h"

#include <ATen/Parallel.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "callbacks/checkpoint_saver.h"
#include "callbacks/metric_logger.h"
#include "callbacks/plot_writer.h"
#include "callbacks/progress_logger.h"
#include "callbacks/replica_checker.h"
#include "data/device_prefetcher.h"
#include "dist/gradient_reducer.h"
#include "dist/parameter_sync.h"
#include "dist/rendezvous.h"
#include "models/registry.h"
#include "nn/batch_norm.h"
#include "nn/conversion.h"
#include "optim/optimizer_factory.h"
#include "run/machine.h"
#include "run/run_folder.h"
#include "run/snapshot.h"
#include "tasks/supervised_task.h"
#include "train/resume.h"
#include "train/trainer.h"
#include "util/atomic_file.h"
#include "util/log.h"

namespace dtrain::run {
namespace {

struct Data {
  std::unique_ptr<data::Dataset> train, eval;
  data::Normalization normalization;
  DataIdentity identity;
};

// A resumed run goes on in the folder of its checkpoint; an empty checkpoint means a new run.
struct Start {
  std::string checkpoint;
  config::Json meta;
};

Data open_data(const RunConfig& config) {
  Data data;
  data.train = data::open_dataset(config.data, data::Split::kTrain);
  data.train->start_loading();
  data.eval = data::open_dataset(config.data, data::Split::kEval);
  const auto& row = data::find_dataset(config.data.dataset);
  data.normalization = data::resolve_normalization(
      config.transforms, row.mean, row.std, data.train->shape().channels);
  data.identity.class_names = data.train->class_names();
  return data;
}

// Waits for the pixels, so that damaged files show before anything is written.
void identify(Data& data) {
  data.identity.train_fingerprint = data.train->fingerprint();
  data.identity.eval_fingerprint = data.eval->fingerprint();
}

// The ranks must hold the same images; a host with another copy would train something else.
void compare_identities(const DataIdentity& data, const dist::MpiScope& mpi) {
  const std::string mine = data.train_fingerprint + " " + data.eval_fingerprint;
  const auto all = mpi.all_gather(mine);
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank] != all[0]) {
      throw data_error("data set",
                       "rank " + std::to_string(rank) + " reads other content than rank 0",
                       "compare the data folders of the hosts");
    }
  }
}

Start find_start(const RunConfig& config, const dist::MpiScope& mpi) {
  Start start;
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    const auto point =
        train::resolve_resume(config.run.resume, config.run.output, config.run.experiment);
    if (!point) return;
    start.checkpoint = point->checkpoint.string();
    start.meta = point->manifest.meta;
    for (const auto& warning : point->warnings) util::log_warning(warning);
  });
  start.checkpoint = mpi.broadcast(start.checkpoint);
  if (!start.checkpoint.empty()) start.meta = config::Json::parse(mpi.broadcast(start.meta.dump()));
  return start;
}

// Rank 0 makes the folder, or finds that of the checkpoint; every rank opens its log in it.
RunFolder open_run_folder(const RunConfig& config, const Start& start, const dist::MpiScope& mpi) {
  std::string path;
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    std::optional<RunFolder> folder;
    if (!start.checkpoint.empty()) folder = run_folder_of(start.checkpoint);
    if (!folder) folder = create_run_folder(config.run.output, config.run.experiment);
    util::write_file_atomic(folder->config(), effective_config(config));
    path = folder->path.string();
  });
  const RunFolder folder{mpi.broadcast(path)};
  dist::together(mpi, [&] {
    if (mpi.rank() == 0) util::log().add_file(folder.log(), util::Level::kInfo);
    util::log().add_file(folder.rank_log(mpi.rank()), util::Level::kDebug);
  });
  return folder;
}

std::shared_ptr<nn::Classifier> make_model(const RunConfig& config,
                                           const data::ImageShape& shape,
                                           int64_t classes,
                                           train::Precision precision,
                                           c10::Device device) {
  const models::InputSpec input{shape.channels, shape.height, shape.width, classes};
  auto model = models::create_model(models::resolve(config.model, input),
                                    static_cast<uint64_t>(config.run.seed));
  nn::set_dtype(*model, train::weight_dtype(precision));
  model->to(device);
  nn::set_memory_format(
      *model,
      config.train.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
  return model;
}

std::unique_ptr<data::DataLoader> make_loader(const Data& data,
                                              const RunConfig& config,
                                              bool training,
                                              const dist::ProcessGroup& group,
                                              c10::Device device) {
  const data::Shard shard{group.rank(), group.size()};
  const auto seed = static_cast<uint64_t>(config.run.seed);
  const auto& dataset = training ? *data.train : *data.eval;
  const int64_t eval_batch =
      config.loader.eval_batch_size > 0 ? config.loader.eval_batch_size : config.loader.batch_size;
  auto sampler =
      training ? data::Sampler::training(
                     dataset.size(), config.loader.batch_size, config.loader.drop_last, seed, shard)
               : data::Sampler::evaluation(dataset.size(), eval_batch, shard);
  auto transforms =
      training ? data::make_train_transforms(config.transforms, data.normalization, dataset.shape())
               : data::Transforms{};
  return std::make_unique<data::DataLoader>(
      dataset,
      std::move(sampler),
      std::move(transforms),
      data::LoaderOptions{config.loader.workers, config.loader.prefetch, seed},
      data::slot_allocator_for(device));
}

// One GPU a rank, in the order of the ranks of a host.
c10::Device training_device(const RunConfig& config,
                            const Machine& machine,
                            const dist::MpiScope& mpi) {
  if (config.run.device == "cpu") return at::kCPU;
  return {at::kCUDA, static_cast<c10::DeviceIndex>(mpi.local_rank() % machine.cuda_devices)};
}

std::string parameters_text(const nn::Classifier& model) {
  int64_t count = 0;
  for (const auto& parameter : model.parameters()) count += parameter.numel();
  return std::to_string(count) + " parameters";
}

}  // namespace

void train(RunConfig config, const dist::MpiScope& mpi) {
  if (mpi.rank() == 0) util::log().set_terminal(stdout);
  const Machine machine = this_machine(mpi);
  dist::together(mpi, [&] { resolve(config, machine); });
  at::set_num_threads(static_cast<int>(config.run.threads));
  const c10::Device device = training_device(config, machine, mpi);
  const auto precision = train::resolve_precision(config.train.precision, device);

  // Everything that can be wrong shows before the run folder is made.
  Data data = dist::together(mpi, [&] { return open_data(config); });
  const Start start = find_start(config, mpi);
  auto model = dist::together(mpi, [&] {
    return make_model(config, data.train->shape(), data.train->num_classes(), precision, device);
  });
  const dist::ProcessGroup group = dist::rendezvous(mpi, config.dist, device);
  struct Loaders {
    std::unique_ptr<data::DataLoader> train, eval;
  };
  Loaders loaders = dist::together(mpi, [&] {
    return Loaders{make_loader(data, config, true, group, device),
                   make_loader(data, config, false, group, device)};
  });
  auto optimizer = optim::create_optimizer(*model, config.optimizer);
  train::TrainState state;
  state.epochs = config.run.epochs;
  state.steps_per_epoch = loaders.train->batches_per_epoch();
  state.global_batch_size = config.loader.batch_size * group.size();
  const optim::LRSchedule schedule(
      config.schedule, config.optimizer.lr, state.steps_per_epoch, state.epochs);
  dist::together(mpi, [&] { identify(data); });
  dist::together(mpi, [&] { compare_identities(data.identity, mpi); });
  std::vector<std::string> announced;
  if (!start.checkpoint.empty()) {
    dist::together(mpi, [&] {
      announced =
          check_resumable(start.meta, start.checkpoint, config, data.identity, group.size());
    });
  }

  const RunFolder folder = open_run_folder(config, start, mpi);
  util::log_info(values_table(config));
  util::log_info(config.model.name + ", " + parameters_text(*model) + ", " +
                 train::to_string(precision) + ", " + std::to_string(group.size()) + " ranks x " +
                 std::to_string(config.run.threads) + " threads, " +
                 std::to_string(data.train->size()) + " training and " +
                 std::to_string(data.eval->size()) + " evaluation images");

  at::Tensor metric_sums;
  if (!start.checkpoint.empty()) {
    metric_sums = restore_snapshot(start.checkpoint, mpi, group, *model, *optimizer, state);
    util::log_info("Resumed " + start.checkpoint + " at epoch " + std::to_string(state.epoch) +
                   ", step " + std::to_string(state.step));
    for (const auto& difference : announced) {
      util::log_warning(difference + ": results may differ from an uninterrupted run in rounding");
    }
  }
  dist::broadcast_module(*model, group);
  dist::check_replicas_equal(*model, group);
  if (config.dist.sync_bn) nn::synchronise_batch_norm(*model, group);

  dist::GradientReducer reducer(*model, group, config.dist);
  data::DevicePrefetcher train_batches(
      *loaders.train, data.normalization, device, train::weight_dtype(precision));
  data::DevicePrefetcher eval_batches(
      *loaders.eval, data.normalization, device, train::weight_dtype(precision));
  tasks::SupervisedTask task(config.loss);
  train::EvaluationLoop evaluation(*model, task, eval_batches, group, precision);
  std::vector<std::unique_ptr<train::Callback>> callbacks;
  train::Trainer trainer(
      {config.train, precision, config.run.log_interval, static_cast<uint64_t>(config.run.seed)},
      state,
      {*model, task, *optimizer, schedule, reducer, group, train_batches, evaluation, callbacks});
  if (metric_sums.defined()) trainer.restore_metric_sums(metric_sums);

  const auto description = describe_run(config, data.identity, group.size());
  std::optional<train::CheckpointStore> store;
  callbacks.push_back(std::make_unique<callbacks::ProgressLogger>());
  if (config.dist.digest_interval > 0) {
    callbacks.push_back(
        std::make_unique<callbacks::ReplicaChecker>(*model, group, config.dist.digest_interval));
  }
  dist::together(mpi, [&] {
    if (group.rank() != 0) return;
    store.emplace(folder.checkpoints(), config.checkpoint);
    callbacks.push_back(std::make_unique<callbacks::MetricLogger>(folder.path, folder.summary()));
    callbacks.push_back(std::make_unique<callbacks::PlotWriter>(folder.summary(), folder.curves()));
  });
  callbacks.push_back(std::make_unique<callbacks::CheckpointSaver>(
      config.checkpoint, std::move(store), [&](const train::TrainState& now) {
        return take_snapshot(now, *model, *optimizer, trainer.metric_sums(), group, description);
      }));
  trainer.run();
  util::log_info("Done: epoch " + std::to_string(trainer.state().epoch) + " of " +
                 std::to_string(state.epochs) + ", results in " + folder.path.string());
}

}  // namespace dtrain::run
