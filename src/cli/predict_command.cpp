// dtrain predict.
#include "cli/command_settings.h"
#include "cli/commands.h"
#include "predict/predict_run.h"
#include "util/check.h"

namespace dtrain::cli {
namespace {

constexpr const char* kPredictUsage =
    "usage: dtrain predict RUN_OR_CHECKPOINT [IMAGE, FOLDER or CSV ...] [flags]";

predict::PredictRequest read_predict_request(const Words& words) {
  auto parsed = parse_command<predict::PredictConfig>(words);
  if (!parsed.config_file.empty()) {
    throw usage_error("dtrain predict",
                      "there is no --config: the settings are those of the checkpoint",
                      "change single ones with flags, such as --data-dir");
  }
  // Without the flag the first word is the checkpoint.
  if (parsed.own.checkpoint.empty() && !parsed.positionals.empty()) {
    parsed.own.checkpoint = {parsed.positionals.front()};
    parsed.positionals.erase(parsed.positionals.begin());
  }
  if (parsed.own.checkpoint.empty())
    throw usage_error("dtrain predict", "no checkpoint", kPredictUsage);
  const bool names_split = parsed.origins.contains("split");
  const bool reads_csv = parsed.positionals.size() == 1 && parsed.positionals[0].ends_with(".csv");
  if (names_split && !parsed.positionals.empty() && !reads_csv) {
    throw usage_error("--split",
                      "names samples of the data set, and " + parsed.positionals.front() +
                          " is predicted in their place",
                      "leave out --split or the pictures");
  }
  predict::PredictRequest request;
  request.output = parsed.take("run.output");
  request.config = std::move(parsed.own);
  request.overrides = std::move(parsed.of_run);
  request.pictures = std::move(parsed.positionals);
  request.names_split = names_split;
  const bool writes_table = !request.config.csv.empty() || !request.config.probabilities.empty();
  if (writes_table && request.config.checkpoint.size() > 1) {
    throw usage_error("dtrain predict",
                      std::string(request.config.csv.empty() ? "--probabilities" : "--csv") +
                          " goes with one checkpoint",
                      "vote on the predictions: `dtrain vote --csv FILE`");
  }
  return request;
}

}  // namespace

std::string predict_flags() { return own_flags<predict::PredictConfig>(); }

int run_predict(const Words& words, dist::MpiScope* mpi) {
  check(mpi != nullptr, "MPI is started before a command that uses ranks");
  const predict::PredictRequest request =
      dist::together(*mpi, [&] { return read_predict_request(words); });
  predict::predict(request, *mpi);
  return 0;
}

}  // namespace dtrain::cli
