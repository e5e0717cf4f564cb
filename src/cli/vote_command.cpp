// dtrain vote.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_settings.h"
#include "cli/commands.h"
#include "cli/run_predictions.h"
#include "predictions/submission.h"
#include "predictions/vote_files.h"
#include "predictions/vote_validation.h"
#include "report/calibration_report.h"
#include "report/vote_record.h"
#include "report/vote_report.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/log.h"
#include "util/text.h"

namespace dtrain::cli {

struct VoteSettings {
  std::string output = "vote.h5";
  std::string rule = "soft";
  std::string weights;
  std::vector<std::string> validation;
  bool calibrate = false;
  std::string csv;
  int64_t quorum = 0;
  int64_t threads = 0;
};

template <class V>
void fields(V& v, VoteSettings& c) {
  using namespace config;
  v("output", c.output, not_empty(), "File of predictions that is written.");
  v("rule",
    c.rule,
    one_of({"soft", "hard", "rank-average"}),
    "Mean of probabilities, class of most members, or mean of ranks.");
  v("weights",
    c.weights,
    "Of a soft vote: numbers, one for each file; accuracy or fitted: found on --validation; empty: "
    "equal.");
  v("validation",
    c.validation,
    "Predictions of labelled samples by the same members, in the same order.");
  v("calibrate",
    c.calibrate,
    "Fit the temperature of the vote on --validation, whose vote stays beside the output.");
  v("csv", c.csv, "Also write Id,Category lines to this file.");
  v("quorum",
    c.quorum,
    at_least(0),
    "Vote with at least so many files where others cannot be read; 0: with all or not at all.");
  v("threads", c.threads, between(0, 1024), "0: one for each processor.");
}

namespace {

using predictions::VoteResult;
using predictions::VoteRule;
using Paths = std::vector<std::filesystem::path>;

constexpr const char* kVoteUsage = "usage: dtrain vote A.h5 B.h5 ... --output VOTE.h5 [flags]";

struct VoteRequest {
  VoteSettings settings;
  Paths files;
};

VoteRequest read_vote_request(const Words& words) {
  auto parsed = parse_file_command<VoteSettings>(words, kVoteUsage);
  if (parsed.positionals.empty()) throw usage_error("dtrain vote", "no files", kVoteUsage);
  Paths files;
  for (const std::string& word : parsed.positionals) files.push_back(predictions_of(word));
  return {std::move(parsed.own), std::move(files)};
}

std::vector<double> numbers_of(const std::string& text, size_t count) {
  std::vector<double> numbers;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    double number = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, number);
    if (error != std::errc() || stop != text.data() + end) break;
    numbers.push_back(number);
    at = end + 1;
  }
  if (numbers.size() == count) return numbers;
  throw usage_error("--weights",
                    "is " + util::quoted(text) + " for " + std::to_string(count) + " files",
                    "write a number for each, as 1,2,0.5, or accuracy or fitted");
}

bool is_found_on_validation(const std::string& weights) {
  return weights == "accuracy" || weights == "fitted";
}

bool calibrates_or_weighs(const VoteSettings& settings) {
  return settings.calibrate || is_found_on_validation(settings.weights);
}

void expect_validation(const VoteRequest& request) {
  const VoteSettings& settings = request.settings;
  if (!calibrates_or_weighs(settings) || settings.validation.size() == request.files.size()) return;
  throw usage_error("--validation",
                    "has " + std::to_string(settings.validation.size()) + " files for " +
                        std::to_string(request.files.size()) + " members",
                    "weights and temperatures are found on predictions of labelled samples by "
                    "each member");
}

predictions::VoteOptions options_of(const VoteRequest& request) {
  const VoteSettings& settings = request.settings;
  predictions::VoteOptions options;
  options.rule = predictions::vote_rule(settings.rule);
  if (!settings.weights.empty()) {
    if (options.rule != VoteRule::kSoft) {
      throw usage_error("--weights", "goes with --rule soft", "leave one of them out");
    }
    if (!is_found_on_validation(settings.weights)) {
      options.rule = VoteRule::kWeighted;
      options.weights = numbers_of(settings.weights, request.files.size());
    }
  }
  expect_validation(request);
  options.quorum = settings.quorum;
  options.threads = threads_or_all(settings.threads);
  return options;
}

// "vote.h5" -> "vote-validation.h5"
std::filesystem::path validation_vote(const std::filesystem::path& output) {
  return output.parent_path() /
         (output.stem().string() + "-validation" + output.extension().string());
}

// Its name follows from that of the vote: nobody chose to replace what is there.
void expect_vote_or_nothing(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) return;
  try {
    if (predictions::PredictionsFile(path).header().checkpoint.empty()) return;
  } catch (const Error&) {
    // Not even predictions.
  }
  throw Error(ExitCode::kUnsafe,
              path.string(),
              "the vote of the validation samples would replace it, and it is no vote",
              "write the vote to a file of another name, or move that one away");
}

// What is read and what is written are different files, and nothing else is replaced.
void expect_outputs(const VoteRequest& request) {
  const VoteSettings& settings = request.settings;
  const std::string ending = std::filesystem::path(settings.output).extension().string();
  if (ending == ".json" || ending == ".csv") {
    throw usage_error("--output",
                      "is " + settings.output + ", but a vote is a file of predictions in HDF5",
                      "let its name end in .h5; --csv writes a CSV, and the record beside the vote "
                      "is JSON");
  }
  struct File {
    std::string role;
    std::filesystem::path path;
  };
  std::vector<File> files = {{"the vote", settings.output},
                             {"its record", report::vote_record_path(settings.output)}};
  if (!settings.csv.empty()) files.push_back({"--csv", settings.csv});
  if (settings.calibrate) {
    files.push_back({"the vote of --validation", validation_vote(settings.output)});
  }
  const size_t outputs = files.size();
  for (const auto& path : request.files) files.push_back({"a member", path});
  for (const auto& path : settings.validation) files.push_back({"--validation", path});
  for (size_t i = 0; i < outputs; ++i) {
    if (files[i].role != "--csv") {  // the folder of a vote is made
      util::make_folders(util::parent_folder(files[i].path));
    }
    util::expect_writable(files[i].path);
    for (size_t j = i + 1; j < files.size(); ++j) {
      if (!util::same_path(files[i].path, files[j].path)) continue;
      throw usage_error(
          "dtrain vote",
          files[i].role + " and " + files[j].role + " are the same file, " + files[i].path.string(),
          "choose other names for what is written");
    }
  }
  report::expect_replaceable_record(settings.output);
  if (settings.calibrate) expect_vote_or_nothing(validation_vote(settings.output));
}

void write_csv(const VoteSettings& settings) {
  const predictions::PredictionsFile vote(settings.output);
  predictions::Submission submission(vote.size());
  submission.add(vote.index(), vote.header().class_names);
  util::write_file_atomic(settings.csv, submission.text());
}

}  // namespace

std::string vote_flags() { return own_flags<VoteSettings>(); }

int run_vote(const Words& words, dist::MpiScope*) {
  const VoteRequest request = read_vote_request(words);
  const VoteSettings& settings = request.settings;
  util::log().set_terminal(stdout);
  predictions::VoteOptions options = options_of(request);
  expect_outputs(request);
  std::optional<predictions::CalibrationReport> calibration;
  if (calibrates_or_weighs(settings)) {
    const Paths validation(settings.validation.begin(), settings.validation.end());
    calibration = predictions::prepare_vote(
        request.files,
        validation,
        validation_vote(settings.output),
        {.weights = is_found_on_validation(settings.weights) ? settings.weights : "equal",
         .calibrate = settings.calibrate},
        options);
  }
  const VoteResult result = predictions::vote_files(request.files, settings.output, options);
  report::write_vote_record(settings.output, {result, calibration});
  report::log_vote(result, settings.output, util::log());
  if (calibration) report::log_calibration(*calibration, "The vote", util::log());
  if (!settings.csv.empty()) write_csv(settings);
  return 0;
}

}  // namespace dtrain::cli
