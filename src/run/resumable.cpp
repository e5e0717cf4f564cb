#include "run/resumable.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "config/byte_text.h"
#include "data/datasets/open_datasets.h"
#include "run/machine.h"
#include "util/check.h"
#include "util/version.h"

namespace dtrain::run {
namespace {

constexpr const char* kRoundsOtherwise =
    ": results may differ from an uninterrupted run in rounding";

std::string both(const std::string& what, const std::string& before, const std::string& now) {
  return what + " was " + before + " and is " + now;
}

// What settings that data decide say in runs of versions that did not write the decision down: what
// the network's tensors and the data are is compared anyway. Empty for others.
std::string value_of_none(const std::string& path) {
  if (path == "model.stem") return "auto";
  const bool is_number =
      path == "model.in_channels" || path == "model.num_classes" || path == "transforms.size";
  return is_number ? "0" : "";
}

// Why a setting is bound to the steps that are done; begins with a comma, or is empty.
std::string reason_of(const std::string& path) {
  static const std::vector<std::pair<std::string, std::string>> reasons = {
      {"run.seed", "from which the order of samples and all augmentation follow"},
      {"data.", "so that it would train or evaluate on other samples"},
      {"transforms.", "so that images would reach the network in another form than before"},
      {"loader.", "which cuts the epochs that are done into other steps"},
      {"model.", "and the saved weights are of the former network"},
      {"optimizer.", "and the saved state is of the former optimizer"},
      {"ema.", "and the saved state is of the former average"},
      {"train.best_metric", "and the best checkpoint was chosen by the former metric"},
      {"train.metrics", "and summary.csv has the columns of the former metrics"},
      {"dist.deterministic_world", "and sums were added up in the former order"},
  };
  for (const auto& [prefix, reason] : reasons) {
    if (path.starts_with(prefix)) return ", " + reason;
  }
  return "";
}

// Without momentum there are no buffers in the checkpoint, or none to put those into.
bool begins_or_ends_momentum(const std::string& path,
                             const settings::RunConfig& before,
                             const settings::RunConfig& now) {
  return path == "optimizer.momentum" && now.optimizer.name == "sgd" &&
         (before.optimizer.momentum == 0) != (now.optimizer.momentum == 0);
}

// The first class that differs: a target is a position in this list.
std::string class_difference(const std::vector<std::string>& before,
                             const std::vector<std::string>& now) {
  const auto [left, right] = std::mismatch(before.begin(), before.end(), now.begin(), now.end());
  if (left == before.end() || right == now.end()) {
    return both("the number of classes", std::to_string(before.size()), std::to_string(now.size()));
  }
  return "the class names or their order differ: " +
         both("class " + std::to_string(left - before.begin()), *left, *right);
}

}  // namespace

int64_t global_batch_size(const settings::RunConfig& config, int64_t ranks) {
  const int64_t world = config.dist.deterministic_world;
  return config.loader.batch_size * (world > 0 ? world : ranks) * config.train.grad_accum_steps;
}

config::Json describe_run(const settings::RunConfig& config,
                          const DataIdentity& data,
                          int64_t ranks) {
  config::Json meta;
  meta["dtrain_version"] = util::kVersion;
  meta["dtrain_build"] = util::build_id();
  meta["ranks"] = ranks;
  meta["global_batch_size"] = global_batch_size(config, ranks);
  meta["machine"] = {{"libtorch", libtorch_version()}, {"instructions", instruction_sets()}};
  meta["data"] = {{"train", data.train_fingerprint}, {"eval", data.eval_fingerprint}};
  if (!data.unlabeled_fingerprint.empty()) meta["data"]["unlabeled"] = data.unlabeled_fingerprint;
  meta["class_names"] = config::byte_texts(data.class_names);
  meta["input"] = {{"channels", data.input.channels},
                   {"height", data.input.height},
                   {"width", data.input.width}};
  meta["config"] = config::Json::parse(settings::effective_config(config));
  return meta;
}

data::ImageShape input_of(const config::Json& meta) {
  if (!meta.contains("input")) return {};
  const config::Json& input = meta.at("input");
  return {input.at("height"), input.at("width"), input.at("channels")};
}

ResumeChanges check_resumable(const config::Json& meta,
                              const std::string& checkpoint,
                              const settings::RunConfig& config,
                              const DataIdentity& data,
                              int64_t ranks,
                              int64_t step) {
  config::Problems refused;
  ResumeChanges announced;
  const auto global_batch = meta.at("global_batch_size").get<int64_t>();
  if (global_batch != global_batch_size(config, ranks)) {
    refused.add(
        "global batch",
        both("it",
             std::to_string(global_batch),
             std::to_string(global_batch_size(config, ranks)) + " (" + std::to_string(ranks) +
                 " ranks x " + std::to_string(config.loader.batch_size) + ")"));
  }
  // The deterministic world computes the same bits on any number of ranks.
  const bool exact = config.dist.deterministic_world > 0;
  if (const auto saved = meta.at("ranks").get<int64_t>(); saved != ranks) {
    announced.rounding.push_back(
        both("the number of ranks", std::to_string(saved), std::to_string(ranks)) +
        (exact ? ": in the deterministic world no bit depends on it"
               : ": the samples and their order stay, sums round otherwise"));
  }
  const config::Json machine = meta.value("machine", config::Json::object());
  for (const auto& [what, where, key, now] :
       {std::tuple{"dtrain", &meta, "dtrain_version", std::string(util::kVersion)},
        std::tuple{"the build of dtrain", &meta, "dtrain_build", util::build_id()},
        std::tuple{"LibTorch", &machine, "libtorch", libtorch_version()},
        std::tuple{"the set of instructions", &machine, "instructions", instruction_sets()}}) {
    const std::string saved = where->value(key, now);
    if (saved != now) announced.rounding.push_back(both(what, saved, now) + kRoundsOtherwise);
  }
  const settings::RunConfig saved =
      settings::parse_effective_config(meta.at("config").dump(), checkpoint + "/manifest.json");
  for (const auto& difference : settings::differences(saved, config)) {
    // The batch of a rank follows from the global batch, which is compared above.
    const bool of_batch =
        difference.path == "loader.batch_size" || difference.path == "train.grad_accum_steps";
    if (difference.path == "run.epochs" && config.schedule.name == "cosine" &&
        config.schedule.cycles > 1) {
      refused.add(difference.path,
                  both("it", difference.left, difference.right) + ", and cycles have fixed ends");
      continue;
    }
    if (difference.effect == config::kFree || (of_batch && !exact)) continue;
    if (difference.left == value_of_none(difference.path)) continue;
    const bool divided = data::holds_out(saved.data) && data::holds_out(config.data);
    // A part of the training split, whatever older versions wrote there.
    const bool is_chosen = config.data.eval_split == config.data.train_split;
    if (difference.path == "data.eval_split" && divided && is_chosen) continue;
    // Older runs have no such option, which is read as false.
    if (difference.path == "ema.warmup" && !config.ema.enabled && !saved.ema.enabled) continue;
    if (difference.effect == config::kRounding) {
      announced.rounding.push_back(both(difference.path, difference.left, difference.right) +
                                   kRoundsOtherwise);
    } else if (difference.effect == config::kAhead &&
               !begins_or_ends_momentum(difference.path, saved, config)) {
      announced.ahead.push_back(difference.path + ": " + difference.left + " until step " +
                                std::to_string(step) + ", " + difference.right + " from now on");
    } else {
      refused.add(difference.path,
                  both("it", difference.left, difference.right) + reason_of(difference.path));
    }
  }
  if (meta.at("data").at("train") != data.train_fingerprint) {
    refused.add("data", "the training images or labels are not those the run began with");
  }
  if (meta.at("data").at("eval") != data.eval_fingerprint) {
    const std::string text = "the evaluation images or labels are not those the run began with";
    // Of a split of its own they change nothing that was trained.
    if (data::holds_out(config.data)) {
      refused.add("data", text);
    } else {
      announced.ahead.push_back(text + ": earlier results are of other samples");
    }
  }
  if (meta.at("data").value("unlabeled", "") != data.unlabeled_fingerprint) {
    refused.add("data", "the unlabelled images are not those the run began with");
  }
  const data::ImageShape input = input_of(meta);
  if (input.height > 0 && data.input.height > 0 && input != data.input) {
    refused.add("transforms.size",
                both("the network's input", to_string(input), to_string(data.input)));
  }
  const auto classes = config::list_of_bytes(meta.at("class_names"));
  if (classes != data.class_names) {
    refused.add("data", class_difference(classes, data.class_names));
  }
  if (!refused.empty()) {
    throw config_error(
        "cannot resume " + checkpoint,
        refused.text(),
        "leave out --config and those flags to use the settings of that run, or start a new run "
        "with --initial-checkpoint in place of --resume");
  }
  return announced;
}

}  // namespace dtrain::run
