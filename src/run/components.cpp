#include "run/components.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdlib>
#include <utility>

#include "data/datasets/open_datasets.h"
#include "device/device.h"
#include "models/registry.h"
#include "nn/conversion.h"
#include "run/data_choices.h"

namespace dtrain::run {

Data open_data(settings::RunConfig& config, int64_t ranks, const data::ImageShape& before) {
  data::OpenedData opened =
      data::open_datasets(config.data, static_cast<uint64_t>(config.run.seed));
  Data data;
  data.train = std::move(opened.train);
  data.eval = std::move(opened.eval);
  data.unlabeled = std::move(opened.unlabeled);
  data.test = std::move(opened.test);
  data.train->start_loading();
  const auto [mean, std] =
      data::statistics_of(data::find_dataset(config.data.dataset), *data.train);
  data.normalization =
      data::resolve_normalization(config.transforms, mean, std, data.train->shape().channels);
  choose_by_data(config, *data.train, data.normalization, before, ranks);
  settings::validate(config).throw_if_any("configuration, with what was chosen for these data");
  data.identity.class_names = data.train->class_names();
  data.identity.input = input_shape(config, data);
  return data;
}

void identify(Data& data) {
  data.identity.train_fingerprint = data.train->fingerprint();
  data.identity.eval_fingerprint = data.eval->fingerprint();
  if (data.unlabeled) data.identity.unlabeled_fingerprint = data.unlabeled->fingerprint();
}

data::ImageShape input_shape(const settings::RunConfig& config, const Data& data) {
  const data::ImageShape shape = data.train->shape();
  return data::shape_of(data::make_train_view(config.transforms, data.normalization, shape), shape);
}

std::shared_ptr<nn::Classifier> make_model(const settings::RunConfig& config,
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
                                              const settings::RunConfig& config,
                                              Part part,
                                              data::Shard shard,
                                              c10::Device device) {
  shard.virtual_world = config.dist.deterministic_world;
  const auto seed = static_cast<uint64_t>(config.run.seed);
  const bool training = part == Part::kTrain;
  const auto& dataset = training ? *data.train : part == Part::kEval ? *data.eval : *data.test;
  const int64_t eval_batch =
      config.loader.eval_batch_size > 0 ? config.loader.eval_batch_size : config.loader.batch_size;
  auto sampler =
      training ? data::Sampler::training(
                     dataset.size(), config.loader.batch_size, config.loader.drop_last, seed, shard)
               : data::Sampler::evaluation(dataset.size(), eval_batch, shard);
  auto view = training
                  ? data::make_train_view(config.transforms, data.normalization, dataset.shape())
                  : data::make_eval_view(config.transforms, dataset.shape());
  const data::BadSamplePolicy bad_samples{
      .replace = training && config.loader.bad_samples == "replace",
      .quota = config.loader.max_bad_samples};
  return std::make_unique<data::DataLoader>(
      dataset,
      std::move(sampler),
      data::Views{std::move(view)},
      data::LoaderOptions{.workers = config.loader.workers,
                          .prefetch = config.loader.prefetch,
                          .seed = seed,
                          .bad_samples = bad_samples,
                          .max_bytes = config.loader.memory_mb << 20},
      data::slot_allocator_for(device));
}

void configure_arithmetic(const settings::RunConfig& config) {
  at::set_num_threads(static_cast<int>(config.run.threads));
  if (!config.train.deterministic) return;
  // What cuBLAS wants for it; read when its first handle is made.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
}

c10::Device training_device(const settings::RunConfig& config,
                            const Machine& machine,
                            const dist::MpiScope& mpi) {
  if (config.run.device == "cpu") return at::kCPU;
  check(machine.cuda_devices > 0, "resolve() refuses a GPU where there is none");
  const c10::Device device{at::kCUDA,
                           static_cast<c10::DeviceIndex>(mpi.host_rank() % machine.cuda_devices)};
  device::select_gpu(device);
  return device;
}

}  // namespace dtrain::run
