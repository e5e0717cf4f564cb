#include "report/vote_record.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "config/json.h"
#include "predictions/calibration_json.h"
#include "predictions/predictions.h"
#include "util/atomic_file.h"
#include "util/check.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;
using config::Json;
using predictions::PairedCounts;
using predictions::VoteResult;
using predictions::VoteStatistics;

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

// Without "..", which no relative path could lead out of.
fs::path folder_of(const fs::path& vote) {
  return fs::absolute(vote).lexically_normal().parent_path();
}

Json members_json(const VoteResult& result, const fs::path& folder) {
  Json members = Json::array();
  for (size_t m = 0; m < result.members.size(); ++m) {
    const VoteResult::Member& one = result.members[m];
    Json member = {
        {"path", fs::absolute(one.path).lexically_normal().lexically_relative(folder).string()},
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

Json cross_validations_json(const std::vector<predictions::CrossValidation>& all) {
  Json list = Json::array();
  for (const auto& one : all) {
    Json folds = Json::array();
    for (const auto& fold : one.folds) {
      folds.push_back({{"labelled", fold.labelled}, {"right", fold.right}});
    }
    list.push_back({{"name", one.name}, {"folds", folds}});
  }
  return list;
}

std::vector<predictions::CrossValidation> cross_validations_from(const Json& list) {
  std::vector<predictions::CrossValidation> all;
  for (const Json& json : list) {
    predictions::CrossValidation one{.name = json.at("name"), .folds = {}};
    for (const Json& fold : json.at("folds")) {
      one.folds.push_back({fold.at("labelled"), fold.at("right")});
    }
    all.push_back(std::move(one));
  }
  return all;
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
    record.calibration = predictions::calibration_from_json(root.at("calibration"));
  }
  if (root.contains("cross_validations")) {
    record.cross_validations = cross_validations_from(root.at("cross_validations"));
  }
  return record;
}

bool is_square(const std::vector<std::vector<double>>& matrix, size_t side) {
  return matrix.size() == side && std::all_of(matrix.begin(), matrix.end(), [&](const auto& row) {
           return row.size() == side;
         });
}

bool is_sound(const predictions::CrossValidation& one) {
  return !one.folds.empty() &&
         std::all_of(one.folds.begin(), one.folds.end(), [](const auto& fold) {
           return fold.labelled > 0 && fold.right >= 0 && fold.right <= fold.labelled;
         });
}

// Those who show a record rely on this.
bool adds_up(const VoteRecord& record) {
  const VoteStatistics& statistics = record.result.statistics;
  const size_t members = record.result.members.size();
  const int64_t n = statistics.labelled, vote_right = statistics.ensemble_right;
  const auto is_part = [&](int64_t count) { return count >= 0 && count <= n; };
  const auto is_of_vote = [&](const PairedCounts& one) {
    return is_part(one.both_right) && is_part(one.only_member) && is_part(one.only_ensemble) &&
           is_part(one.none_right) && one.both_right + one.only_ensemble == vote_right &&
           one.only_member + one.none_right == n - vote_right;
  };
  return members > 0 && n >= 0 && n <= statistics.samples && is_part(vote_right) &&
         is_part(statistics.oracle_right) && statistics.members.size() == (n > 0 ? members : 0) &&
         std::all_of(statistics.members.begin(), statistics.members.end(), is_of_vote) &&
         is_square(statistics.disagreement, members) &&
         is_square(statistics.error_correlation, members) &&
         std::all_of(record.cross_validations.begin(), record.cross_validations.end(), &is_sound);
}

// Of whatever version.
bool is_record(const fs::path& path) {
  try {
    const Json root = config::read_json_file(path.string(), {.code = ExitCode::kIo}).root;
    return root.is_object() && root.value("format", "") == kFormat;
  } catch (const Error&) {
    return false;
  } catch (const Json::exception&) {
    return false;
  }
}

}  // namespace

fs::path vote_record_path(const fs::path& vote) {
  return fs::path(vote).replace_extension(".json");
}

void expect_replaceable_record(const fs::path& vote) {
  const fs::path path = vote_record_path(vote);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error)) || is_record(path)) return;
  throw Error(ExitCode::kUnsafe,
              path.string(),
              "the record of the vote " + vote.string() +
                  " would replace it, and it is no record of a vote",
              "write the vote to a file of another name, or move that one away");
}

void write_vote_record(const fs::path& vote, const VoteRecord& record) {
  expect_replaceable_record(vote);
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
               {"members", members_json(result, folder_of(vote))},
               {"missing", missing},
               {"samples", statistics.samples},
               {"labelled", statistics.labelled},
               {"vote_right", statistics.ensemble_right},
               {"oracle_right", statistics.oracle_right},
               {"disagreement", matrix_json(statistics.disagreement)},
               {"error_correlation", matrix_json(statistics.error_correlation)}};
  if (record.calibration) root["calibration"] = predictions::to_json(*record.calibration);
  if (!record.cross_validations.empty()) {
    root["cross_validations"] = cross_validations_json(record.cross_validations);
  }
  util::write_file_atomic(vote_record_path(vote),
                          root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

VoteRecord read_vote_record(const fs::path& vote) {
  const fs::path path = vote_record_path(vote);
  const Json root = config::read_json_file(path.string(), {.code = ExitCode::kIo}).root;
  try {
    if (root.at("format") != kFormat || root.at("version") != kVersion) {
      throw io_error(path.string(), "is no record of a vote that this dtrain knows", "vote again");
    }
    VoteRecord record = record_from(root, folder_of(vote));
    const predictions::PredictionsFile file(vote);
    if (file.size() != record.result.statistics.samples) {
      throw io_error(path.string(), "is of another vote than " + vote.string(), "vote again");
    }
    if (!adds_up(record)) throw io_error(path.string(), "its counts do not add up", "vote again");
    record.result.header = file.header();
    return record;
  } catch (const Json::exception& error) {
    throw io_error(path.string(), error.what(), "vote again");
  }
}

}  // namespace dtrain::report
