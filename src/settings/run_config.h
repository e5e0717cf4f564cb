// The whole configuration: one section for each component, which is that component's own struct.
//
//   RunConfig config = load_run_config("configs/food11.json", overrides);  // all problems at once
//   run::resolve(config, run::this_machine(mpi));                          // no "auto" is left
//   write_file_atomic(folder.config(), effective_config(config));
//
// Precedence: default < file < command line. Components are handed their own section, never the
// whole.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "checkpoint/checkpoint_config.h"
#include "config/fields.h"
#include "config/problems.h"
#include "config/reader.h"
#include "config/writer.h"
#include "data/datasets/dataset_registry.h"
#include "data/loader/data_loader.h"
#include "data/transforms/factory.h"
#include "dist/dist_config.h"
#include "models/model_config.h"
#include "optim/ema_config.h"
#include "optim/optimizer_config.h"
#include "optim/schedule_config.h"
#include "tasks/loss_config.h"
#include "train/grad_scaler_config.h"
#include "train/nonfinite_config.h"
#include "train/train_config.h"

namespace dtrain::settings {

struct RunSection {
  std::string experiment;
  std::string output = "runs";
  std::string resume;
  int64_t seed = 42;
  int64_t epochs = 10;
  std::string device = "auto";
  int64_t threads = 0;
  int64_t log_interval = 50;
};

template <class V>
void fields(V& v, RunSection& c) {
  using namespace config;
  v("experiment",
    c.experiment,
    kFree,
    "Name of the run, part of its folder's; empty: data set and model.");
  v("output", c.output, not_empty(), kFree, "Folder that run folders are made in.");
  v("resume",
    c.resume,
    kFree,
    "Run folder or checkpoint to resume; best, last: of the newest run in the output folder; auto: "
    "the newest of this experiment, or a new run when there is none. Without --config its settings "
    "are used.");
  v("seed",
    c.seed,
    at_least(0),
    "Start of all randomness: initial weights, order of samples, augmentation.");
  v("epochs",
    c.epochs,
    at_least(1),
    kFree,
    "Passes over the training split; with --resume more or fewer than before "
    "(train.resume_schedule).");
  v("device",
    c.device,
    one_of({"auto", "cpu", "cuda"}),
    kRounding,
    "auto: cuda where a GPU is visible.");
  v("threads",
    c.threads,
    between(0, 1024),
    kRounding,
    "Compute threads per rank; 0: OMP_NUM_THREADS, else the processors of the host divided by its "
    "ranks.");
  v("log_interval",
    c.log_interval,
    at_least(1),
    kFree,
    "Steps between two progress lines, each of which reduces the metrics over all ranks.");
}

struct RunConfig {
  RunSection run;
  data::DatasetConfig data;
  data::TransformConfig transforms;
  data::LoaderConfig loader;
  models::ModelConfig model;
  tasks::LossConfig loss;
  optim::OptimizerConfig optimizer;
  optim::ScheduleConfig schedule;
  optim::EmaConfig ema;
  train::TrainConfig train;
  train::GradScalerConfig grad_scaler;
  train::NonFiniteConfig nonfinite;
  dist::DistConfig dist;
  checkpoint::CheckpointConfig checkpoint;

  config::Origins origins;  // where each value came from; no field itself
};

template <class V>
void fields(V& v, RunConfig& c) {
  using namespace config;
  v("run", c.run, "What is run, where, and where its results go.");
  v("data", c.data, "Which images.");
  v("transforms", c.transforms, "Augmentation of training images, and normalisation of all.");
  v("loader", c.loader, "How batches are made.");
  v("model", c.model, "Which network.");
  v("loss", c.loss, "What is minimised.");
  v("optimizer", c.optimizer, "How gradients change the weights.");
  v("schedule", c.schedule, "Learning rate over time.");
  v("ema", c.ema, "A moving average of the weights.");
  v("train", c.train, "How a step is computed, and when to evaluate.");
  v("grad_scaler", c.grad_scaler, "Loss scaling, which float16 needs.");
  v("nonfinite", c.nonfinite, "What happens when a loss or gradient is NaN or infinite.");
  v("dist", c.dist, "How ranks work together.");
  v("checkpoint", c.checkpoint, kFree, "What is saved, and when.");
}

// Defaults, then the file (none when empty), then the overrides in their order. Throws one
// Error(kConfig) with every problem of fields and of their combination; Error(kIo) when the file
// cannot be read.
RunConfig load_run_config(const std::string& file, const std::vector<config::Override>& overrides);

// Gives a setting the value that the program chose, with the reason as its origin; of a value that
// it has already the origin stays.
template <class T>
void choose(RunConfig& config,
            const char* path,
            T& field,
            const std::type_identity_t<T>& value,
            const std::string& why) {
  if (field == value) return;
  field = value;
  config.origins[path] = config::automatic(why);
}

// What is wrong between fields that are each in range: all of it.
config::Problems validate(const RunConfig& config);

// Throws Error(kConfig) when the settings do not go with this number of ranks.
void check_world(const RunConfig& config, int64_t ranks);

// The text of config.json, and back; `name` is what messages call the text.
std::string effective_config(const RunConfig& config);
RunConfig parse_effective_config(const std::string& text, const std::string& name);
// That of another run with some settings changed; Error(kConfig) with everything that is wrong.
void apply(RunConfig& config, const std::vector<config::Override>& overrides);

// A table of values and origins, and what differs between two.
std::string values_table(const RunConfig& config);
std::vector<config::Difference> differences(const RunConfig& left, const RunConfig& right);

}  // namespace dtrain::settings
