#include "run/resolve.h"

#include <string>

#include "data/datasets/open_datasets.h"
#include "device/device.h"
#include "train/autocast.h"
#include "util/check.h"

namespace dtrain::run {
namespace {

// "cpu" or "cuda".
std::string resolved_device(const std::string& wanted, const Machine& machine) {
  if (wanted == "auto") return machine.cuda_devices > 0 ? "cuda" : "cpu";
  if (wanted == "cuda" && machine.cuda_devices == 0) {
    if (!device::supports_gpus()) {
      throw config_error("run.device",
                         "cuda was asked for, but this dtrain was built for CPUs only",
                         std::string(device::kGpuProgramAdvice) + "; or use --device cpu");
    }
    throw config_error("run.device",
                       "cuda was asked for, but no GPU is visible",
                       "check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu");
  }
  return wanted;
}

}  // namespace

void resolve(settings::RunConfig& config, const Machine& machine) {
  const auto choose = [&](const char* path, auto& field, auto value, const std::string& why) {
    if (field == value) return;
    field = value;
    config.origins[path] = "automatic (" + why + ")";
  };
  auto& run = config.run;
  if (run.experiment.empty()) {
    choose("run.experiment",
           run.experiment,
           config.data.dataset + "_" + config.model.name,
           "data set and model");
  }
  // Only where it counts: elsewhere checkpoints from before there were splits go on to fit.
  if (config.data.split_seed < 0 && data::draws_splits(config.data)) {
    choose("data.split_seed", config.data.split_seed, run.seed, "run.seed");
  }
  choose("run.device",
         run.device,
         resolved_device(run.device, machine),
         std::to_string(machine.cuda_devices) + " GPUs visible");
  if (run.threads == 0 && config.dist.deterministic_world > 0) {
    choose("run.threads", run.threads, 1, "the same on any number of ranks");
  }
  if (run.threads == 0) {
    const bool told = machine.omp_threads > 0;
    choose("run.threads",
           run.threads,
           told ? machine.omp_threads : machine.cores,
           told ? "OMP_NUM_THREADS" : "processors per rank");
  }
  const auto precision = train::resolve_precision(config.train.precision, at::Device(run.device));
  choose("train.precision",
         config.train.precision,
         train::to_string(precision),
         "what " + run.device + " computes fast");
  if (config.loader.eval_batch_size == 0) {
    choose("loader.eval_batch_size",
           config.loader.eval_batch_size,
           config.loader.batch_size,
           "loader.batch_size");
  }
}

}  // namespace dtrain::run
