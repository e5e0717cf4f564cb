// dtrain evaluate.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "cli/command_settings.h"
#include "cli/commands.h"
#include "cli/run_predictions.h"
#include "predictions/evaluation.h"
#include "report/evaluation_files.h"
#include "report/evaluation_report.h"
#include "settings/run_folder.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::cli {

struct EvaluateSettings {
  int64_t hardest = 36;
};

template <class V>
void fields(V& v, EvaluateSettings& c) {
  using namespace config;
  v("hardest",
    c.hardest,
    between(0, 10'000),
    "Samples on the contact sheets: those with the least probable targets, or on which two files "
    "differ.");
}

namespace {

namespace fs = std::filesystem;
using predictions::Evaluation;
using predictions::PredictionsFile;

constexpr const char* kEvaluateUsage =
    "usage: dtrain evaluate A.h5_OR_RUN [B.h5_OR_RUN] [--output FOLDER] [flags]";

using EvaluateRequest = ParsedCommand<EvaluateSettings>;

// Where the settings of the data are: the file that was named, or the run that the predictions lie
// in; empty: nowhere but in flags.
std::string data_config(const EvaluateRequest& request) {
  if (!request.config_file.empty()) return request.config_file;
  const settings::RunFolder folder{fs::absolute(request.positionals.front()).parent_path()};
  return fs::exists(folder.config()) ? folder.config().string() : "";
}

// Null where nothing says what the data are, or they are others.
std::unique_ptr<report::SamplePictures> open_pictures(
    const EvaluateRequest& request, const predictions::PredictionsHeader& header) {
  const std::string config = data_config(request);
  if (config.empty() && request.of_run.empty()) {
    util::log_info("No contact sheet: name the data with --config or --dataset and --data-dir");
    return nullptr;
  }
  auto pictures =
      report::SamplePictures::open(settings::load_run_config(config, request.of_run), header);
  if (!pictures) {
    util::log_info("No contact sheet: no split of the data set has the samples of " +
                   header.dataset + " that were predicted");
  }
  return pictures;
}

void evaluate_one(const EvaluateRequest& request, const std::string& output) {
  const Evaluation evaluation = predictions::evaluate(PredictionsFile(request.positionals[0]),
                                                      {.hardest = request.own.hardest});
  report::log_evaluation(evaluation, util::log());
  if (output.empty()) return;
  const auto pictures = open_pictures(request, evaluation.header);
  report::write_evaluation(output, evaluation, pictures.get());
}

void evaluate_two(const EvaluateRequest& request, const std::string& output) {
  const auto& files = request.positionals;
  const predictions::Comparison comparison = predictions::compare(files[0], files[1]);
  const predictions::EvaluationOptions options{.hardest = request.own.hardest};
  const Evaluation left = predictions::evaluate(PredictionsFile(files[0]), options);
  const Evaluation right = predictions::evaluate(PredictionsFile(files[1]), options);
  report::log_comparison(left, right, comparison, util::log());
  if (output.empty()) return;
  const auto pictures = open_pictures(request, left.header);
  report::write_evaluation(fs::path(output) / "left", left, pictures.get());
  report::write_evaluation(fs::path(output) / "right", right, pictures.get());
  report::write_comparison(
      output, comparison, left.header.class_names, pictures.get(), request.own.hardest);
}

}  // namespace

std::string evaluate_flags() { return own_flags<EvaluateSettings>(); }

int run_evaluate(const Words& words, dist::MpiScope*) {
  EvaluateRequest request = parse_command<EvaluateSettings>(words);
  const std::string output = request.take("run.output");
  const size_t files = request.positionals.size();
  if (files != 1 && files != 2) {
    throw usage_error(
        "dtrain evaluate", std::to_string(files) + " files of predictions", kEvaluateUsage);
  }
  util::log().set_terminal(stdout);
  for (std::string& word : request.positionals) word = predictions_of(word).string();
  if (!output.empty()) util::expect_writable_folder(output);
  if (files == 1) {
    evaluate_one(request, output);
  } else {
    evaluate_two(request, output);
  }
  if (!output.empty()) util::log_info("Wrote: " + output);
  return 0;
}

}  // namespace dtrain::cli
