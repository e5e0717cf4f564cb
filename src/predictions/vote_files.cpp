#include "predictions/vote_files.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "predictions/predictions_format.h"
#include "util/check.h"
#include "util/hash.h"
#include "util/ordered_queue.h"

namespace dtrain::predictions {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxBlockBytes = 512 << 20;

// A vote and what was read for it.
struct Block {
  std::vector<std::vector<float>> logits;  // of each member
  MergedBlock merged;
};

void expect_options(const std::vector<fs::path>& paths,
                    const fs::path& output,
                    const VoteOptions& options) {
  const auto refuse = [](const std::string& cause, const std::string& advice) {
    return config_error("the vote", cause, advice);
  };
  if (paths.empty()) throw refuse("it has no members", "name files of predictions");
  if (options.threads < 1) throw refuse("it has no threads", "give it one or more");
  if (options.quorum < 0 || options.quorum > int64_t(paths.size())) {
    throw refuse("a quorum of " + std::to_string(options.quorum) + " among " +
                     std::to_string(paths.size()) + " members",
                 "choose 0 (all of them) up to their number");
  }
  for (const fs::path& path : paths) {
    std::error_code not_there;
    if (fs::equivalent(path, output, not_there)) {
      throw refuse("it would replace its member " + path.string(), "write to another file");
    }
  }
  const bool positive = std::all_of(options.temperatures.begin(),
                                    options.temperatures.end(),
                                    [](double t) { return t > 0 && std::isfinite(t); });
  if (!positive || !(options.temperature > 0) ||
      (!options.temperatures.empty() && options.temperatures.size() != paths.size())) {
    throw refuse("temperatures that do not fit its members", "give each one above 0");
  }
  if (options.rule != VoteRule::kWeighted) return;
  double sum = 0;
  for (const double weight : options.weights) sum += weight >= 0 ? weight : NAN;
  if (options.weights.size() != paths.size() || !(sum > 0) || !std::isfinite(sum)) {
    throw refuse(std::to_string(options.weights.size()) + " weights for " +
                     std::to_string(paths.size()) + " members",
                 "give each a weight that is not negative, and one a weight above 0");
  }
}

// The weights of those that are there, as shares of their sum.
std::vector<double> weights_of(const VoteMembers& opened, const VoteOptions& options) {
  std::vector<double> weights;
  for (const VoteMember& one : opened.members) {
    weights.push_back(options.rule == VoteRule::kWeighted ? options.weights[one.place] : 1);
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sum == 0) {
    throw data_error("weighted vote",
                     "all members that can be read have weight 0",
                     "predict the missing ones again, or choose other weights");
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

std::string fingerprint_of(VoteRule rule, const std::vector<VoteResult::Member>& members) {
  util::Hasher hasher;
  const auto add = [&](const std::string& text) {
    hasher.update(std::to_string(text.size()) + ":" + text);
  };
  add(name_of(rule));
  for (const VoteResult::Member& one : members) {
    add(one.model_fingerprint);
    hasher.update(&one.temperature, sizeof(double));
    hasher.update(&one.weight, sizeof(double));
  }
  return hasher.hex();
}

void describe(const VoteMembers& opened, const VoteOptions& options, VoteResult& result) {
  const std::vector<VoteMember>& members = opened.members;
  for (size_t i = 0; i < members.size(); ++i) {
    const PredictionsHeader& header = members[i].file.header();
    VoteResult::Member& one = result.members[i];
    one.path = members[i].file.path();
    one.model = header.model;
    one.model_fingerprint = header.model_fingerprint;
    one.temperature =
        options.temperatures.empty() ? header.temperature : options.temperatures[members[i].place];
    const auto twin = std::find_if(
        result.members.begin(), result.members.begin() + std::ptrdiff_t(i), [&](const auto& other) {
          return other.model_fingerprint == one.model_fingerprint;
        });
    if (twin != result.members.begin() + std::ptrdiff_t(i)) {
      result.warnings.push_back(twin->path.string() + " and " + one.path.string() +
                                " are of the same weights: that model counts twice");
    }
  }
  const PredictionsHeader& first = members.front().file.header();
  result.header.dataset = first.dataset;
  result.header.data_fingerprint = first.data_fingerprint;
  result.header.class_names = first.class_names;
  result.header.method = name_of(options.rule);
  result.header.temperature = options.temperature;
  result.header.model = result.header.method + " vote of " + std::to_string(members.size());
  result.header.model_fingerprint = fingerprint_of(options.rule, result.members);
}

// Rows of the merged table, as the writer takes them.
PredictionsIndex slice(const PredictionsIndex& index, int64_t first, int64_t n) {
  const auto part = [&](const auto& column) {
    return std::decay_t<decltype(column)>(column.begin() + first, column.begin() + first + n);
  };
  return {.ids = part(index.ids),
          .targets = part(index.targets),
          .predicted = {},
          .paths = part(index.paths)};
}

void merge_block(const std::vector<VoteMember>& members,
                 const std::vector<VoteResult::Member>& described,
                 VoteRule rule,
                 int64_t first,
                 int64_t n,
                 Block& block) {
  const int64_t classes = members.front().file.classes();
  block.logits.resize(members.size());
  std::vector<Ballot> ballots;
  for (size_t m = 0; m < members.size(); ++m) {
    block.logits[m].resize(size_t(n * classes));
    members[m].file.read_logits(first, block.logits[m]);
    ballots.push_back({block.logits[m],
                       std::span(members[m].predicted).subspan(size_t(first), size_t(n)),
                       described[m].temperature,
                       described[m].weight});
  }
  merge_votes(rule, ballots, classes, block.merged);
}

}  // namespace

VoteResult vote_files(const std::vector<fs::path>& paths,
                      const fs::path& output,
                      const VoteOptions& options) {
  expect_options(paths, output, options);
  const VoteMembers opened = open_members(paths, options.quorum, options.obstacles);
  const std::vector<VoteMember>& members = opened.members;
  const std::vector<double> weights = weights_of(opened, options);
  VoteResult result;
  result.missing = opened.missing;
  result.members.resize(members.size());
  for (size_t i = 0; i < members.size(); ++i) result.members[i].weight = weights[i];
  describe(opened, options, result);

  const int64_t samples = members.front().file.size(), classes = result.header.classes();
  // Of this format and not of the files: the chunks of others may be as large as the table.
  const int64_t rows = chunk_rows({classes}, samples);
  const int64_t block_bytes = rows * classes * int64_t(sizeof(float)) * int64_t(members.size() + 2);
  const int64_t blocks = (samples + rows - 1) / rows;
  const int64_t threads =
      std::clamp<int64_t>(kMaxBlockBytes / block_bytes - 1, 1, std::min(options.threads, blocks));
  const auto rows_of = [&](int64_t number) { return std::min(rows, samples - number * rows); };
  PredictionsWriter writer(output, result.header, samples);
  const auto merge = [&](int64_t number, Block& block) {
    merge_block(members, result.members, options.rule, number * rows, rows_of(number), block);
  };
  util::OrderedQueue<Block> queue({.count = blocks, .threads = threads}, merge);
  std::vector<int64_t> ensemble;
  ensemble.reserve(size_t(samples));
  for (int64_t number = 0; number < blocks; ++number) {
    const Block& block = *queue.next();
    PredictionsIndex part = slice(opened.index, number * rows, rows_of(number));
    part.predicted = block.merged.predicted;
    writer.append(part, block.merged.logits);
    ensemble.insert(ensemble.end(), part.predicted.begin(), part.predicted.end());
  }
  std::vector<std::span<const int64_t>> chosen;
  for (const VoteMember& one : members) chosen.emplace_back(one.predicted);
  result.statistics = vote_statistics(chosen, ensemble, opened.index.targets);
  writer.finish();
  return result;
}

}  // namespace dtrain::predictions
