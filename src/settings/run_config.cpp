// Reading, cross-field checks and automatic values of the whole configuration.
#include "settings/run_config.h"

#include <algorithm>

#include "config/describe.h"
#include "config/json.h"
#include "data/datasets/open_datasets.h"
#include "util/check.h"

namespace dtrain::settings {
namespace {

using config::number_text;

// Collects complaints, each with the place its field was set at.
class Checker {
 public:
  explicit Checker(const config::Origins& origins) : origins_(origins) {}

  void expect(bool ok, const std::string& path, const std::string& text) {
    if (!ok) problems_.add(path + " (" + config::origin_of(origins_, path) + ")", text);
  }
  config::Problems problems() && { return std::move(problems_); }

 private:
  const config::Origins& origins_;
  config::Problems problems_;
};

// The experiment becomes part of a folder's name.
bool is_folder_name(const std::string& name) {
  return name.find('/') == std::string::npos && !name.starts_with('.') && name.size() <= 100 &&
         std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 32 || c == 127; });
}

std::string list_text(std::vector<double> values) { return config::value_text(&values); }

bool is_low_and_high(const std::vector<double>& values) {
  return values.size() == 2 && values[0] <= values[1];
}

void check_run(Checker& checker, const RunConfig& c) {
  checker.expect(
      is_folder_name(c.run.experiment),
      "run.experiment",
      "becomes part of a folder's name: no slash, no leading dot, at most 100 characters");
  if (c.data.dataset == data::kLeftToTheData) return;
  const auto& row = data::find_dataset(c.data.dataset);
  checker.expect(!c.data.data_dir.empty() || !row.default_dir.empty(),
                 "data.data_dir",
                 "must name the folder of " + c.data.dataset + ", which has no usual place");
}

void check_data(Checker& checker, const data::DatasetConfig& c) {
  config::Problems found;
  data::validate(c, found);
  for (const auto& problem : found.all()) checker.expect(false, problem.where, problem.text);
}

void check_transforms(Checker& checker, const data::TransformConfig& c) {
  const std::string pair = "must be two numbers, the smallest first, but is ";
  checker.expect(is_low_and_high(c.erasing_scale),
                 "transforms.erasing_scale",
                 pair + list_text(c.erasing_scale));
  checker.expect(is_low_and_high(c.erasing_ratio),
                 "transforms.erasing_ratio",
                 pair + list_text(c.erasing_ratio));
  checker.expect(c.mean.size() <= 1 || c.std.size() <= 1 || c.mean.size() == c.std.size(),
                 "transforms.std",
                 "has " + std::to_string(c.std.size()) + " channels, but transforms.mean has " +
                     std::to_string(c.mean.size()));
}

void check_training(Checker& checker, const RunConfig& c) {
  checker.expect(c.schedule.warmup_epochs <= static_cast<double>(c.run.epochs),
                 "schedule.warmup_epochs",
                 "is " + number_text(c.schedule.warmup_epochs) + ", more than run.epochs, " +
                     std::to_string(c.run.epochs));
  checker.expect(c.run.epochs % c.schedule.cycles == 0,
                 "schedule.cycles",
                 "is " + std::to_string(c.schedule.cycles) +
                     ", which does not divide run.epochs, " + std::to_string(c.run.epochs));
  const auto expect_rate_or_none = [&](double value, const char* path) {
    checker.expect(value == -1 || value >= 0, path, "must be at least 0, or -1 to have it chosen");
  };
  expect_rate_or_none(c.optimizer.lr, "optimizer.lr");
  expect_rate_or_none(c.schedule.warmup_epochs, "schedule.warmup_epochs");
  checker.expect(c.optimizer.lr < 0 || c.schedule.min_lr <= c.optimizer.lr,
                 "schedule.min_lr",
                 "is " + number_text(c.schedule.min_lr) + ", above optimizer.lr, " +
                     number_text(c.optimizer.lr));
  checker.expect(c.train.eval_interval <= c.run.epochs,
                 "train.eval_interval",
                 "is " + std::to_string(c.train.eval_interval) + ", so that run.epochs, " +
                     std::to_string(c.run.epochs) + ", end before the first evaluation");
  checker.expect(c.dist.backend != "nccl" || c.run.device != "cpu",
                 "dist.backend",
                 "nccl carries tensors between GPUs, but run.device is cpu");
  checker.expect(c.dist.deterministic_world == 0 || c.dist.sync_bn,
                 "dist.sync_bn",
                 "is false, but dist.deterministic_world takes statistics over all ranks");
  checker.expect(c.dist.deterministic_world == 0 || c.dist.compression == "none",
                 "dist.compression",
                 "rounds gradients, which dist.deterministic_world adds up exactly in one order");
  checker.expect(c.dist.first_bucket_mb <= c.dist.bucket_mb,
                 "dist.first_bucket_mb",
                 "is " + number_text(c.dist.first_bucket_mb) + ", above dist.bucket_mb, " +
                     number_text(c.dist.bucket_mb));
}

// What a run did whose effective configuration does not name these options, being older than they.
// What is written down is read on top.
void take_old_behaviour(RunConfig& config) { config.ema.warmup = false; }

// The configuration of a run may be used with other data, which have channels and classes of their
// own.
void leave_to_the_data(RunConfig& config, const config::Json& effective) {
  const models::ModelConfig defaults;
  const auto leave = [&](const char* path, int64_t& field, int64_t value) {
    if (!config::was_automatic(effective, path)) return;
    field = value;
    config.origins.erase(path);
  };
  leave("model.in_channels", config.model.in_channels, defaults.in_channels);
  leave("model.num_classes", config.model.num_classes, defaults.num_classes);
}

}  // namespace

RunConfig load_run_config(const std::string& file, const std::vector<config::Override>& overrides) {
  RunConfig config;
  const config::FieldList list = config::collect(config);
  config::Problems problems;
  if (!file.empty()) {
    const auto document = config::read_json_file(file, {}, &problems);
    const bool is_effective = document.root.is_object() && document.root.contains("_dtrain");
    if (is_effective) take_old_behaviour(config);
    config::read_values(document, list, config.origins, problems);
    if (is_effective) leave_to_the_data(config, document.root);
  }
  for (const auto& setting : overrides) {
    config::read_text(list, setting, config.origins, problems);
  }
  problems.append(validate(config));
  problems.throw_if_any(file.empty() ? "configuration" : "configuration " + file);
  return config;
}

config::Problems validate(const RunConfig& config) {
  Checker checker(config.origins);
  check_run(checker, config);
  check_data(checker, config.data);
  check_transforms(checker, config.transforms);
  check_training(checker, config);
  config::Problems problems = std::move(checker).problems();
  data::validate(config.transforms, problems);
  return problems;
}

void check_world(const RunConfig& config, int64_t ranks) {
  const int64_t world = config.dist.deterministic_world;
  if (world == 0 || ranks <= world) return;
  throw config_error("dist.deterministic_world",
                     "is " + std::to_string(world) + ", fewer than the " + std::to_string(ranks) +
                         " ranks that were started",
                     "start at most that many ranks, or plan a larger world from the beginning");
}

std::string effective_config(const RunConfig& config) {
  RunConfig copy = config;
  return config::effective_config(config::collect(copy), copy.origins);
}

void apply(RunConfig& config, const std::vector<config::Override>& overrides) {
  config::Problems problems;
  const config::FieldList list = config::collect(config);
  for (const auto& setting : overrides) {
    config::read_text(list, setting, config.origins, problems);
  }
  problems.append(validate(config));
  problems.throw_if_any("configuration");
}

RunConfig parse_effective_config(const std::string& text, const std::string& name) {
  RunConfig config;
  take_old_behaviour(config);
  config::Problems problems;
  const auto document = config::parse_json(text, name, {}, &problems);
  config::read_values(document, config::collect(config), config.origins, problems);
  problems.throw_if_any(name);
  return config;
}

std::string values_table(const RunConfig& config) {
  RunConfig copy = config;
  return config::values_table(config::collect(copy), copy.origins);
}

std::vector<config::Difference> differences(const RunConfig& left, const RunConfig& right) {
  RunConfig a = left, b = right;
  return config::differences(config::collect(a), config::collect(b));
}

}  // namespace dtrain::settings
