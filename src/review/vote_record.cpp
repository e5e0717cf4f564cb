#include "review/vote_record.h"

#include <cmath>
#include <limits>

#include "config/json.h"
#include "inference/calibration_json.h"
#include "inference/predictions.h"
#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::review {
namespace {

namespace fs = std::filesystem;
using config::Json;
using inference::PairedCounts;
using inference::VoteResult;
using inference::VoteStatistics;

constexpr const char* kFormat = "dtrain-vote";
constexpr int64_t kVersion = 1;

// NaN, as a correlation may be, is null.
Json matrix_json(const std::vector<std::vector<double>>& matrix) {
  Json rows = Json::array();
  for (const auto& row : matrix) {
    Json cells = Json::array();
    for (const double value : row) cells.push_back(std::isfinite(value) ? Json(value) : Json());
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::vector<std::vector<double>> matrix_from(const Json& json) {
  std::vector<std::vector<double>> matrix;
  for (const Json& cells : json) {
    matrix.emplace_back();
    for (const Json& value : cells) {
      matrix.back().push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                              : value.get<double>());
    }
  }
  return matrix;
}

// "both", "member", "vote", "none" are right.
Json counts_json(const PairedCounts& counts) {
  return {{"both", counts.both_right},
          {"member", counts.only_member},
          {"vote", counts.only_ensemble},
          {"none", counts.none_right}};
}

PairedCounts counts_from(const Json& json) {
  return {json.at("both"), json.at("member"), json.at("vote"), json.at("none")};
}

Json members_json(const VoteResult& result, const fs::path& folder) {
  Json members = Json::array();
  for (size_t m = 0; m < result.members.size(); ++m) {
    const VoteResult::Member& one = result.members[m];
    Json member = {{"path", fs::absolute(one.path).lexically_relative(folder).string()},
                   {"model", one.model},
                   {"model_fingerprint", one.model_fingerprint},
                   {"temperature", one.temperature},
                   {"weight", one.weight}};
    if (result.statistics.labelled > 0) {
      member["right"] = counts_json(result.statistics.members[m]);
    }
    members.push_back(std::move(member));
  }
  return members;
}

VoteRecord record_from(const Json& root, const fs::path& folder) {
  VoteRecord record;
  VoteStatistics& statistics = record.result.statistics;
  for (const Json& member : root.at("members")) {
    record.result.members.push_back(
        {(folder / member.at("path").get<std::string>()).lexically_normal(),
         member.at("model"),
         member.at("model_fingerprint"),
         member.at("temperature"),
         member.at("weight")});
    if (member.contains("right")) statistics.members.push_back(counts_from(member.at("right")));
  }
  for (const Json& missing : root.at("missing")) {
    record.result.missing.push_back({missing.at("path").get<std::string>(), missing.at("reason")});
  }
  statistics.samples = root.at("samples");
  statistics.labelled = root.at("labelled");
  statistics.ensemble_right = root.at("vote_right");
  statistics.oracle_right = root.at("oracle_right");
  statistics.disagreement = matrix_from(root.at("disagreement"));
  statistics.error_correlation = matrix_from(root.at("error_correlation"));
  if (root.contains("calibration")) {
    record.calibration = inference::calibration_from_json(root.at("calibration"));
  }
  return record;
}

}  // namespace

fs::path vote_record_path(const fs::path& vote) {
  return fs::path(vote).replace_extension(".json");
}

void write_vote_record(const fs::path& vote, const VoteRecord& record) {
  const VoteResult& result = record.result;
  const VoteStatistics& statistics = result.statistics;
  Json missing = Json::array();
  for (const auto& one : result.missing) {
    missing.push_back({{"path", one.path.string()}, {"reason", one.reason}});
  }
  Json root = {{"format", kFormat},
               {"version", kVersion},
               {"method", result.header.method},
               {"dataset", result.header.dataset},
               {"temperature", result.header.temperature},
               {"members", members_json(result, fs::absolute(vote).parent_path())},
               {"missing", missing},
               {"samples", statistics.samples},
               {"labelled", statistics.labelled},
               {"vote_right", statistics.ensemble_right},
               {"oracle_right", statistics.oracle_right},
               {"disagreement", matrix_json(statistics.disagreement)},
               {"error_correlation", matrix_json(statistics.error_correlation)}};
  if (record.calibration) root["calibration"] = inference::to_json(*record.calibration);
  util::write_file_atomic(vote_record_path(vote),
                          root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

VoteRecord read_vote_record(const fs::path& vote) {
  const fs::path path = vote_record_path(vote);
  const Json root = config::read_json_file(path.string(), {.code = ExitCode::kIo}).root;
  try {
    if (root.at("format") != kFormat || root.at("version") > kVersion) {
      throw io_error(path.string(), "is no record of a vote that this dtrain knows", "vote again");
    }
    VoteRecord record = record_from(root, fs::absolute(vote).parent_path());
    record.result.header = inference::PredictionsFile(vote).header();
    return record;
  } catch (const Json::exception& error) {
    throw io_error(path.string(), error.what(), "vote again");
  }
}

}  // namespace dtrain::review
