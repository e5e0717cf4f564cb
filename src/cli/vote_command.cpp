// dtrain vote.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "cli/command_settings.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "config/problems.h"
#include "config/reader.h"
#include "inference/vote_files.h"
#include "inference/vote_weights.h"
#include "review/vote_report.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::cli {

struct VoteSettings {
  std::string output = "vote.h5";
  std::string rule = "soft";
  std::string weights;
  std::vector<std::string> validation;
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
  v("quorum",
    c.quorum,
    at_least(0),
    "Vote with at least so many files where others cannot be read; 0: with all or not at all.");
  v("threads", c.threads, between(0, 1024), "0: one for each processor.");
}

namespace {

using inference::VoteResult;
using inference::VoteRule;
using Paths = std::vector<std::filesystem::path>;

struct Request {
  VoteSettings settings;
  Paths files;
};

Request read_request(const Words& words) {
  Request request;
  const config::FieldList list = config::collect(request.settings);
  const Arguments arguments = parse_arguments(words, list);
  config::Problems problems;
  config::Origins origins;
  for (const config::Override& setting : arguments.overrides) {
    config::read_text(list, setting, origins, problems);
  }
  config::check_limits(list, origins, problems);
  problems.throw_if_any("command line", ExitCode::kUsage);
  request.files.assign(arguments.positionals.begin(), arguments.positionals.end());
  if (request.files.empty() || !arguments.config_file.empty()) {
    throw usage_error("dtrain vote",
                      request.files.empty() ? "no files" : "there is no --config",
                      "usage: dtrain vote A.h5 B.h5 ... --output VOTE.h5 [flags]");
  }
  return request;
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
                    "is \"" + text + "\" for " + std::to_string(count) + " files",
                    "write a number for each, as 1,2,0.5, or accuracy or fitted");
}

std::vector<double> weights_of(const Request& request) {
  const VoteSettings& settings = request.settings;
  if (settings.weights != "accuracy" && settings.weights != "fitted") {
    return numbers_of(settings.weights, request.files.size());
  }
  if (settings.validation.size() != request.files.size()) {
    throw usage_error("--validation",
                      "has " + std::to_string(settings.validation.size()) + " files for " +
                          std::to_string(request.files.size()) + " members",
                      "weights are found on predictions of labelled samples by each member");
  }
  const Paths validation(settings.validation.begin(), settings.validation.end());
  return settings.weights == "accuracy" ? inference::accuracy_weights(validation)
                                        : inference::fitted_weights(validation).weights;
}

inference::VoteOptions options_of(const Request& request) {
  inference::VoteOptions options;
  options.rule = inference::vote_rule(request.settings.rule);
  if (!request.settings.weights.empty()) {
    if (options.rule != VoteRule::kSoft) {
      throw usage_error("--weights", "goes with --rule soft", "leave one of them out");
    }
    options.rule = VoteRule::kWeighted;
    options.weights = weights_of(request);
  }
  options.quorum = request.settings.quorum;
  options.threads = request.settings.threads > 0
                        ? request.settings.threads
                        : std::max<int64_t>(1, std::thread::hardware_concurrency());
  return options;
}

}  // namespace

std::string vote_flags() { return own_flags<VoteSettings>(); }

int run_vote(const Words& words, dist::MpiScope*) {
  const Request request = read_request(words);
  util::log().set_terminal(stdout);
  const VoteResult result =
      inference::vote_files(request.files, request.settings.output, options_of(request));
  review::log_vote(result, request.settings.output, util::log());
  return 0;
}

}  // namespace dtrain::cli
