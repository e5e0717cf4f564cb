#include "run/resolve.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>

#include "data/datasets/open_datasets.h"
#include "device/device.h"
#include "train/autocast.h"
#include "util/check.h"

namespace dtrain::run {
namespace {

constexpr size_t kLongestName = 60;

// The last part of a path as part of another name: "../Food 11/" -> "Food_11".
std::string folder_name(const std::string& path) {
  const auto whole = std::filesystem::absolute(path + "/").lexically_normal().parent_path();
  std::string name = whole.stem().string();
  std::replace_if(
      name.begin(),
      name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; },
      '_');
  return name.empty() || name.size() > kLongestName ? "data" : name;
}

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

data::Settled resolve(settings::RunConfig& config, const Machine& machine) {
  auto& run = config.run;
  data::Settled settled = data::settle(config.data);
  for (const data::Choice& one : settled.choices) {
    config.origins[one.path] = config::automatic(one.why);
  }
  if (run.experiment.empty()) {
    const std::string data =
        settled.reading.empty() ? config.data.dataset : folder_name(config.data.data_dir);
    choose(
        config, "run.experiment", run.experiment, data + "_" + config.model.name, "data and model");
  }
  // Only where it counts: elsewhere checkpoints from before there were splits go on to fit.
  if (config.data.split_seed < 0 && data::draws_splits(config.data)) {
    choose(config, "data.split_seed", config.data.split_seed, run.seed, "run.seed");
  }
  choose(config,
         "run.device",
         run.device,
         resolved_device(run.device, machine),
         std::to_string(machine.cuda_devices) + " GPUs visible");
  if (run.threads == 0 && config.dist.deterministic_world > 0) {
    choose(config, "run.threads", run.threads, 1, "the same on any number of ranks");
  }
  if (run.threads == 0) {
    const bool told = machine.omp_threads > 0;
    choose(config,
           "run.threads",
           run.threads,
           told ? machine.omp_threads : machine.cores,
           told ? "OMP_NUM_THREADS" : "processors per rank");
  }
  const auto precision = train::resolve_precision(config.train.precision, at::Device(run.device));
  choose(config,
         "train.precision",
         config.train.precision,
         train::to_string(precision),
         "what " + run.device + " computes fast");
  return settled;
}

}  // namespace dtrain::run
