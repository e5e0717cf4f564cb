#include "run/resumed_settings.h"

#include <algorithm>
#include <optional>
#include <string>

#include "checkpoint/resume.h"
#include "config/byte_text.h"
#include "config/json.h"
#include "settings/run_folder.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::run {
namespace {

// The last one given; empty: none.
std::string given(const std::vector<config::Override>& overrides, const std::string& path) {
  std::string text;
  for (const auto& setting : overrides) {
    if (setting.path == path) text = setting.text;
  }
  return text;
}

bool names_a_training(const std::vector<config::Override>& overrides) {
  return std::any_of(overrides.begin(), overrides.end(), [](const config::Override& one) {
    return one.path == "run.experiment" || one.path == "data.dataset" ||
           one.path == "data.data_dir" || one.path == "model.name";
  });
}

// What a checkpoint says, as text for all ranks: {"resume": ..., "config": {...}}.
std::string find_settings(const std::vector<config::Override>& overrides) {
  const std::string request = given(overrides, "run.resume");
  if (request == "auto" && names_a_training(overrides)) return "";
  const std::string output = given(overrides, "run.output");
  const auto point = checkpoint::resolve_resume(
      request, output.empty() ? settings::RunSection().output : output, /*experiment=*/"");
  if (!point) return "";
  if (!point->manifest.meta.contains("config")) {
    throw config_error("cannot resume " + point->checkpoint.string(),
                       "it does not say with which settings it was trained",
                       "name them with --config");
  }
  for (const std::string& warning : point->warnings) util::log_warning(warning);
  const auto run = settings::run_folder_of(point->checkpoint);
  const bool is_word = request == "auto" || request == "last" || request == "best";
  std::string resume = request;
  if (is_word && run) {
    resume = request == "best" ? point->checkpoint.string() : run->path.string();
  }
  return config::Json{{"resume", config::byte_text(resume)},
                      {"config", point->manifest.meta.at("config")}}
      .dump();
}

// What the machine of that time chose is chosen anew.
void forget_choices(settings::RunConfig& config, const config::Json& saved) {
  const settings::RunSection defaults;
  if (config::was_automatic(saved, "run.device")) config.run.device = defaults.device;
  if (config::was_automatic(saved, "run.threads")) config.run.threads = defaults.threads;
  // What the data are is looked at again, and compared with what they were.
  const models::ModelConfig model;
  if (config::was_automatic(saved, "model.in_channels"))
    config.model.in_channels = model.in_channels;
  if (config::was_automatic(saved, "model.num_classes"))
    config.model.num_classes = model.num_classes;
  config.run.resume.clear();
  config.train.max_steps = 0;  // it ended that process
}

}  // namespace

settings::RunConfig resumed_settings(const std::vector<config::Override>& overrides,
                                     const dist::MpiScope& mpi) {
  std::string text;
  dist::together(mpi, [&] {
    if (mpi.rank() == 0) text = find_settings(overrides);
  });
  text = mpi.broadcast(text);
  return dist::together(mpi, [&] {
    if (text.empty()) return settings::load_run_config("", overrides);
    const config::Json found = config::Json::parse(text);
    const config::Json& saved = found.at("config");
    settings::RunConfig config = settings::parse_effective_config(saved.dump(), kOfResumedRun);
    for (auto& [path, origin] : config.origins) origin = kOfResumedRun;
    forget_choices(config, saved);
    const bool moved = !given(overrides, "data.data_dir").empty();
    if (moved && config::was_automatic(saved, "data.dataset"))
      config.data.dataset = data::kLeftToTheData;
    settings::apply(config, overrides);
    config.run.resume = config::bytes_of(found.at("resume"));
    return config;
  });
}

}  // namespace dtrain::run
