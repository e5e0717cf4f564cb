// A training as a checkpoint, and back: what is stored, and whether a stored one fits this run.
#include "run/snapshot.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "util/check.h"
#include "util/version.h"

namespace dtrain::run {
namespace {

constexpr const char* kOptimizerPrefix = "optimizer.";
constexpr const char* kMetricSums = "metric_sums";  // (ranks, metrics, 2) double

// Settings that change what is written or how fast, not what is computed.
constexpr std::array<std::string_view, 10> kFree = {"run.output",
                                                    "run.resume",
                                                    "run.experiment",
                                                    "run.log_interval",
                                                    "data.data_dir",
                                                    "loader.workers",
                                                    "loader.prefetch",
                                                    "train.max_steps",
                                                    "dist.timeout_s",
                                                    "dist.digest_interval"};
// Settings that change rounding at most.
constexpr std::array<std::string_view, 5> kRounding = {
    "run.threads", "run.device", "dist.backend", "dist.bucket_mb", "dist.first_bucket_mb"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view path) {
  return std::find(list.begin(), list.end(), path) != list.end();
}

bool is_free(std::string_view path) {
  return contains(kFree, path) || path.substr(0, 11) == "checkpoint.";
}

std::string both(const std::string& what, const std::string& before, const std::string& now) {
  return what + " was " + before + " and is " + now;
}

train::NamedTensors optimizer_tensors(const optim::Optimizer& optimizer) {
  train::NamedTensors named;
  for (const auto& [name, tensor] : optimizer.state()) {
    named.emplace_back(kOptimizerPrefix + name, tensor);
  }
  return named;
}

at::Tensor take(train::NamedTensors& tensors, const std::string& name) {
  const auto at = std::find_if(
      tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.first == name; });
  if (at == tensors.end()) {
    throw io_error("checkpoint", "it holds no tensor " + name, "resume from another one");
  }
  at::Tensor tensor = at->second;
  tensors.erase(at);
  return tensor;
}

}  // namespace

config::Json describe_run(const RunConfig& config, const DataIdentity& data, int64_t ranks) {
  config::Json meta;
  meta["dtrain_version"] = util::kVersion;
  meta["ranks"] = ranks;
  meta["global_batch_size"] = ranks * config.loader.batch_size;
  meta["data"] = {{"train", data.train_fingerprint}, {"eval", data.eval_fingerprint}};
  meta["class_names"] = data.class_names;
  meta["config"] = config::Json::parse(effective_config(config));
  return meta;
}

train::CheckpointData take_snapshot(const train::TrainState& state,
                                    const nn::Classifier& model,
                                    const optim::Optimizer& optimizer,
                                    const at::Tensor& metric_sums,
                                    const dist::ProcessGroup& group,
                                    const config::Json& run_description) {
  train::CheckpointData data;
  data.model = train::named_tensors(model);
  data.state = optimizer_tensors(optimizer);
  data.state.emplace_back(kMetricSums, at::stack(group.all_gather(metric_sums)));
  // The end of an epoch is the start of the next one.
  const bool epoch_ended = state.batch == state.steps_per_epoch;
  data.position = {state.step, state.epoch + (epoch_ended ? 1 : 0), epoch_ended ? 0 : state.batch};
  data.meta = run_description;
  data.meta["eval"] = config::Json::object();
  for (const auto& [name, value] : state.eval) {
    if (std::isfinite(value)) data.meta["eval"][name] = value;  // JSON has no NaN
  }
  if (state.best_epoch >= 0) {
    data.meta["best"] = {{"epoch", state.best_epoch}, {"top1", state.best_top1}};
  }
  return data;
}

std::vector<std::string> check_resumable(const config::Json& meta,
                                         const std::string& checkpoint,
                                         const RunConfig& config,
                                         const DataIdentity& data,
                                         int64_t ranks) {
  config::Problems refused;
  std::vector<std::string> announced;
  const auto global_batch = meta.at("global_batch_size").get<int64_t>();
  if (global_batch != ranks * config.loader.batch_size) {
    refused.add(
        "global batch",
        both("it",
             std::to_string(global_batch),
             std::to_string(ranks) + " ranks x " + std::to_string(config.loader.batch_size)));
  }
  if (const auto saved = meta.at("ranks").get<int64_t>(); saved != ranks) {
    announced.push_back(both("the number of ranks", std::to_string(saved), std::to_string(ranks)));
  }
  const RunConfig saved =
      parse_effective_config(meta.at("config").dump(), checkpoint + "/manifest.json");
  for (const auto& difference : differences(saved, config)) {
    // The batch of a rank follows from the global batch, which is compared above.
    if (is_free(difference.path) || difference.path == "loader.batch_size") continue;
    if (contains(kRounding, difference.path)) {
      announced.push_back(both(difference.path, difference.left, difference.right));
    } else {
      refused.add(difference.path, both("it", difference.left, difference.right));
    }
  }
  if (meta.at("data").at("train") != data.train_fingerprint) {
    refused.add("data", "the training images or labels are not those the run began with");
  }
  if (meta.at("data").at("eval") != data.eval_fingerprint) {
    refused.add("data", "the evaluation images or labels are not those the run began with");
  }
  if (meta.at("class_names") != config::Json(data.class_names)) {
    refused.add("data", "the class names or their order differ");
  }
  if (!refused.empty()) {
    throw config_error(
        "cannot resume " + checkpoint,
        refused.text(),
        "use the settings and data of that run (config.json in its folder), or start a "
        "new run without --resume");
  }
  return announced;
}

at::Tensor restore_snapshot(const std::string& checkpoint,
                            const dist::MpiScope& mpi,
                            const dist::ProcessGroup& group,
                            nn::Classifier& model,
                            optim::Optimizer& optimizer,
                            train::TrainState& state) {
  at::NoGradGuard no_grad;
  config::Json header;  // position and meta, which the other ranks get as text
  at::Tensor sums;
  dist::together(mpi, [&] {
    if (group.rank() != 0) return;
    train::CheckpointData data = train::load_checkpoint(checkpoint);
    sums = take(data.state, kMetricSums);
    train::copy_tensors(data.model, train::named_tensors(model), checkpoint);
    train::copy_tensors(data.state, optimizer_tensors(optimizer), checkpoint);
    header = {{"step", data.position.step},
              {"epoch", data.position.epoch},
              {"batch", data.position.batch},
              {"ranks", sums.size(0)},
              {"metrics", sums.size(1)},
              {"meta", data.meta}};
  });
  header = config::Json::parse(mpi.broadcast(header.dump()));
  state.step = header["step"];
  state.epoch = header["epoch"];
  state.batch = header["batch"];
  const config::Json& meta = header["meta"];
  if (meta.contains("best")) {
    state.best_epoch = meta["best"]["epoch"];
    state.best_top1 = meta["best"]["top1"];
  }
  state.eval = meta["eval"].get<train::MetricValues>();

  // The model is broadcast with every start of a run; the optimizer's tensors here.
  for (auto& [name, tensor] : optimizer.state()) group.broadcast(tensor);
  if (!sums.defined()) {
    sums = at::zeros({header["ranks"].get<int64_t>(), header["metrics"].get<int64_t>(), 2},
                     at::kDouble);
  }
  group.broadcast(sums);
  if (state.batch == 0) return {};
  // With another number of ranks the total is what has to stay right: rank 0 takes it.
  if (sums.size(0) == group.size()) return sums[group.rank()].clone();
  return group.rank() == 0 ? sums.sum(0) : at::zeros_like(sums[0]);
}

}  // namespace dtrain::run
