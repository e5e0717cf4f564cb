#include "predict/trained_model.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/checkpoint_folder.h"
#include "checkpoint/resume.h"
#include "config/byte_text.h"
#include "config/json.h"
#include "dist/parameter_sync.h"
#include "run/components.h"
#include "run/resumable.h"

namespace dtrain::predict {
namespace {

void forget_machine(settings::RunConfig& config) {
  const settings::RunConfig defaults;
  config.run.device = defaults.run.device;
  config.run.threads = defaults.run.threads;
  config.run.resume.clear();
  config.data.cache = defaults.data.cache;
  config.dist = defaults.dist;
  config.loader.bad_samples = defaults.loader.bad_samples;
}

}  // namespace

TrainedModel open_trained_model(const std::string& request, const dist::MpiScope& mpi) {
  std::string text;
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    const auto checkpoint = checkpoint::find_checkpoint(request, settings::RunSection().output);
    config::Json found = checkpoint::read_manifest(checkpoint).meta;
    found["checkpoint"] = config::byte_text(checkpoint.string());
    text = found.dump();
  });
  const config::Json meta = config::Json::parse(mpi.broadcast(text));
  TrainedModel trained;
  trained.checkpoint = config::bytes_of(meta.at("checkpoint"));
  trained.config = settings::parse_effective_config(meta.at("config").dump(), trained.checkpoint);
  trained.class_names = config::list_of_bytes(meta.at("class_names"));
  trained.input = run::input_of(meta);
  forget_machine(trained.config);
  return trained;
}

std::shared_ptr<nn::Classifier> load_network(const TrainedModel& trained,
                                             const data::ImageShape& input,
                                             const std::string& wanted,
                                             c10::Device device,
                                             const dist::ProcessGroup& group,
                                             const dist::MpiScope& mpi,
                                             std::string* fingerprint) {
  std::shared_ptr<nn::Classifier> model;
  dist::together(mpi, [&] {
    const auto trained_in = train::resolve_precision(trained.config.train.precision, device);
    model = run::make_model(
        trained.config, input, int64_t(trained.class_names.size()), trained_in, device);
    if (mpi.rank() != 0) return;
    const checkpoint::Weights weights = checkpoint::load_weights(trained.checkpoint, wanted);
    checkpoint::copy_tensors(weights.tensors, dist::state_of(*model), trained.checkpoint);
    *fingerprint = weights.fingerprint;
  });
  *fingerprint = group.broadcast(*fingerprint);
  dist::broadcast_module(*model, group);
  model->eval();
  return model;
}

}  // namespace dtrain::predict
