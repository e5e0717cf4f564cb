// Votes of files: what is merged, what is refused, and that neither threads nor blocks matter.
#include "predictions/vote_files.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "predictions/softmax_kernels.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::predictions {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::header_of;
using dtrain::testing::index_of;
using dtrain::testing::logit_of;
using dtrain::testing::mentions;

constexpr int64_t kSamples = 20'000, kClasses = 11;  // several blocks

// Of a member, before it is written.
struct Changes {
  std::function<void(PredictionsHeader&)> header = [](auto&) {};
  std::function<void(PredictionsIndex&)> index = [](auto&) {};
};

class VoteFilesTest : public ::testing::Test {
 protected:
  // Member `m`: half of its logits' pattern is the target's, so that it is often right.
  static std::vector<float> logits_of(int64_t m, int64_t samples, int64_t classes) {
    std::vector<float> logits;
    for (int64_t i = 0; i < samples; ++i) {
      for (int64_t k = 0; k < classes; ++k) {
        logits.push_back(logit_of(i * (m + 3) + m * 71, k) + (i % classes == k ? 2.0F : 0.0F));
      }
    }
    return logits;
  }

  fs::path member(int64_t m, int64_t samples, const Changes& changes = {}) {
    const fs::path path = folder_ / ("member" + std::to_string(m) + ".h5");
    PredictionsHeader header = header_of(kClasses);
    header.model_fingerprint = "weights " + std::to_string(m);
    header.temperature = 1 + 0.25 * double(m);
    PredictionsIndex index = index_of(0, samples, kClasses);
    changes.header(header);
    changes.index(index);
    PredictionsWriter writer(path, header, samples);
    writer.append(index, logits_of(m, samples, header.classes()));
    writer.finish();
    return path;
  }

  std::vector<fs::path> members(int64_t count, int64_t samples) {
    std::vector<fs::path> paths;
    for (int64_t m = 0; m < count; ++m) paths.push_back(member(m, samples));
    return paths;
  }

  // Another bit among the last logits of member `m`, of kSamples.
  static void damage(const fs::path& path, int64_t m) {
    std::string bytes = util::read_file(path);
    const auto logits = logits_of(m, kSamples, kClasses);
    const size_t at = bytes.find(
        std::string_view(reinterpret_cast<const char*>(logits.data() + logits.size() - 16), 64));
    ASSERT_NE(at, std::string::npos);
    bytes[at] ^= 1;
    util::write_file_atomic(path, bytes);
  }

  void expect_refused(const std::vector<fs::path>& paths,
                      const VoteOptions& options,
                      ExitCode code,
                      const std::vector<std::string>& words) {
    try {
      vote_files(paths, output_, options);
      FAIL() << "voted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      for (const std::string& word : words) {
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
            << word << " in " << error.what();
      }
    }
    EXPECT_FALSE(fs::exists(output_));
  }

  dtrain::testing::TempFolder folder_;
  const fs::path output_ = folder_ / "vote.h5";
};

TEST_F(VoteFilesTest, TheTableIsTheVoteInMemory) {
  const auto paths = members(3, kSamples);
  const VoteResult result = vote_files(paths, output_, {});
  const PredictionsFile vote(output_);
  EXPECT_EQ(vote.header().method, "soft");
  EXPECT_EQ(vote.header().model, "soft vote of 3");
  EXPECT_EQ(vote.header().temperature, 1);
  EXPECT_EQ(vote.header().data_fingerprint, "data");
  EXPECT_EQ(vote.header().class_names, header_of(kClasses).class_names);
  EXPECT_EQ(vote.index().ids, index_of(0, kSamples, kClasses).ids);
  EXPECT_EQ(vote.index().targets, index_of(0, kSamples, kClasses).targets);
  EXPECT_EQ(vote.index().paths, index_of(0, kSamples, kClasses).paths);
  std::vector<std::vector<float>> logits;
  std::vector<Ballot> ballots;
  for (int64_t m = 0; m < 3; ++m) logits.push_back(logits_of(m, kSamples, kClasses));
  for (size_t m = 0; m < 3; ++m) ballots.push_back({logits[m], {}, 1 + 0.25 * double(m), 1});
  MergedBlock merged;
  merge_votes(VoteRule::kSoft, ballots, kClasses, merged);
  std::vector<float> written(kSamples * kClasses);
  vote.read_logits(0, written);
  EXPECT_EQ(written, merged.logits);
  EXPECT_EQ(vote.index().predicted, merged.predicted);
  EXPECT_EQ(result.members[2].temperature, 1.5);
  EXPECT_TRUE(result.warnings.empty());
}

TEST_F(VoteFilesTest, ThreadsDoNotMatter) {
  const auto paths = members(3, kSamples);
  for (const VoteRule rule : {VoteRule::kHard, VoteRule::kWeighted, VoteRule::kRankAverage}) {
    VoteOptions options{.rule = rule, .weights = {1, 2, 3}};
    vote_files(paths, output_, options);
    const std::string alone = util::read_file(output_);
    for (const int64_t threads : {2, 4}) {
      options.threads = threads;
      vote_files(paths, output_, options);
      EXPECT_EQ(util::read_file(output_), alone) << name_of(rule) << " by " << threads;
    }
  }
}

TEST_F(VoteFilesTest, StatisticsAreThoseOfCounting) {
  constexpr int64_t kMembers = 3;
  const auto paths = members(kMembers, kSamples);
  const VoteStatistics found = vote_files(paths, output_, {.threads = 2}).statistics;
  std::vector<std::vector<int64_t>> chosen;
  for (const auto& path : paths) chosen.push_back(PredictionsFile(path).index().predicted);
  const std::vector<int64_t> vote = PredictionsFile(output_).index().predicted;
  const std::vector<int64_t> targets = index_of(0, kSamples, kClasses).targets;
  int64_t labelled = 0, right = 0, oracle = 0;
  for (size_t i = 0; i < kSamples; ++i) {
    labelled += targets[i] >= 0;
    right += vote[i] == targets[i];
    oracle +=
        chosen[0][i] == targets[i] || chosen[1][i] == targets[i] || chosen[2][i] == targets[i];
  }
  EXPECT_EQ(found.samples, kSamples);
  EXPECT_EQ(found.labelled, labelled);
  EXPECT_EQ(found.ensemble_right, right);
  EXPECT_EQ(found.oracle_right, oracle);
  for (size_t a = 0; a < kMembers; ++a) {
    PairedCounts counts;
    for (size_t i = 0; i < kSamples; ++i) {
      if (targets[i] < 0) continue;
      const bool mine = chosen[a][i] == targets[i], ours = vote[i] == targets[i];
      counts.both_right += mine && ours;
      counts.only_member += mine && !ours;
      counts.only_ensemble += !mine && ours;
      counts.none_right += !mine && !ours;
    }
    EXPECT_EQ(found.members[a], counts);
    EXPECT_GT(counts.only_member, 0);
    for (size_t b = 0; b < kMembers; ++b) {
      // Pearson's correlation of the two indicators.
      double differ = 0, x = 0, y = 0, xy = 0;
      for (size_t i = 0; i < kSamples; ++i) {
        differ += chosen[a][i] != chosen[b][i];
        if (targets[i] < 0) continue;
        const double wrong_a = chosen[a][i] != targets[i], wrong_b = chosen[b][i] != targets[i];
        x += wrong_a, y += wrong_b, xy += wrong_a * wrong_b;
      }
      const double n = double(labelled);
      EXPECT_DOUBLE_EQ(found.disagreement[a][b], differ / double(kSamples));
      EXPECT_NEAR(
          found.error_correlation[a][b],
          (xy / n - x / n * y / n) / std::sqrt((x / n - x * x / n / n) * (y / n - y * y / n / n)),
          1e-9);
    }
  }
}

TEST_F(VoteFilesTest, WithoutTargetsThereIsDisagreementAlone) {
  const Changes changes{
      .index = [](auto& index) { index.targets.assign(index.targets.size(), -1); }};
  const VoteStatistics found =
      vote_files({member(0, 100, changes), member(1, 100, changes)}, output_, {}).statistics;
  EXPECT_EQ(found.labelled, 0);
  EXPECT_GT(found.disagreement[0][1], 0);
  EXPECT_TRUE(std::isnan(found.error_correlation[0][1]));
}

TEST_F(VoteFilesTest, WhatDiffersIsNamed) {
  const fs::path first = member(0, 100);
  const auto refuse = [&](const Changes& changes, const std::vector<std::string>& words) {
    const fs::path other = member(1, 100, changes);
    std::vector<std::string> all = words;
    all.push_back(first.string());
    all.push_back(other.string());
    expect_refused({first, other}, {}, ExitCode::kData, all);
  };
  refuse({.index = [](auto& index) { index.ids[40] = 81; }}, {"id of sample 40", "80 and 81"});
  refuse({.index = [](auto& index) { index.targets[3] = 7; }}, {"target", "id 6", "3 and 7"});
  refuse({.header = [](auto& header) { header.class_names[4] = "cat"; }},
         {"class 4", "\"class 4\" and \"cat\""});
  refuse({.header = [](auto& header) { header.class_names.push_back("cat"); }},
         {"number of classes", "11 and 12"});
  refuse({.header = [](auto& header) { header.data_fingerprint = "others"; }},
         {"fingerprint", "\"data\" and \"others\""});
  const fs::path longer = member(2, 101);
  expect_refused({first, longer},
                 {},
                 ExitCode::kData,
                 {"number of samples", "100 and 101", first.string(), longer.string()});
}

TEST_F(VoteFilesTest, AQuorumSaysWhoIsMissing) {
  auto paths = members(3, 100);
  const fs::path broken = paths[1], absent = folder_ / "absent.h5";
  util::write_file_atomic(broken, "no HDF5");
  paths.push_back(absent);
  EXPECT_THROW(vote_files(paths, output_, {}), Error);
  expect_refused(paths,
                 {.quorum = 3},
                 ExitCode::kData,
                 {"2 can be read", "quorum is 3", broken.string(), absent.string()});
  const VoteResult result = vote_files(
      paths, output_, {.rule = VoteRule::kWeighted, .weights = {1, 5, 3, 2}, .quorum = 2});
  ASSERT_EQ(result.missing.size(), 2U);
  EXPECT_EQ(result.missing[0].path, broken);
  EXPECT_EQ(result.missing[1].path, absent);
  ASSERT_EQ(result.members.size(), 2U);
  EXPECT_EQ(result.members[0].weight, 0.25);
  EXPECT_EQ(result.members[1].weight, 0.75);
  EXPECT_EQ(PredictionsFile(output_).header().model, "weighted vote of 2");
}

TEST_F(VoteFilesTest, TheSameModelTwiceIsAWarning) {
  const Changes same{.header = [](auto& header) { header.model_fingerprint = "weights 0"; }};
  const VoteResult result = vote_files({member(0, 50), member(1, 50, same)}, output_, {});
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_TRUE(mentions(result.warnings[0], {"member0.h5", "member1.h5", "twice"}));
}

TEST_F(VoteFilesTest, OptionsThatDoNotFitAreRefused) {
  const auto paths = members(2, 50);
  const auto weigh = [](std::vector<double> weights) {
    return VoteOptions{.rule = VoteRule::kWeighted, .weights = std::move(weights)};
  };
  expect_refused({}, {}, ExitCode::kConfig, {"no members"});
  expect_refused(paths, {.quorum = 3}, ExitCode::kConfig, {"quorum of 3"});
  expect_refused(paths, {.threads = 0}, ExitCode::kConfig, {"threads"});
  expect_refused(paths, weigh({1}), ExitCode::kConfig, {"1 weights for 2"});
  expect_refused(paths, weigh({1, -1}), ExitCode::kConfig, {"weight"});
  expect_refused(paths, weigh({0, 0}), ExitCode::kConfig, {"weight"});
  expect_refused(paths, weigh({1, NAN}), ExitCode::kConfig, {"weight"});
  EXPECT_THROW(vote_files(paths, paths[1], {}), Error);
  EXPECT_EQ(PredictionsFile(paths[1]).header().model, "resnet18");
}

TEST_F(VoteFilesTest, DamageFoundOnTheWayLeavesNoTable) {
  const auto paths = members(2, kSamples);
  damage(paths[1], 1);
  expect_refused(
      paths, {.threads = 2}, ExitCode::kData, {paths[1].string(), "/logits", "checksum"});
}

// The file opens, for its damage is among the last logits.
TEST_F(VoteFilesTest, AQuorumGoesOnWithoutAMemberOfWhichOneBitIsWrong) {
  const auto paths = members(3, kSamples);
  const std::string sound = [&] {
    vote_files({paths[0], paths[2]}, output_, {});
    return util::read_file(output_);
  }();
  fs::remove(output_);
  damage(paths[1], 1);
  const VoteResult result = vote_files(paths, output_, {.quorum = 1});
  ASSERT_EQ(result.missing.size(), 1U);
  EXPECT_EQ(result.missing[0].path, paths[1]);
  EXPECT_TRUE(mentions(result.missing[0].reason, {paths[1].string(), "/logits", "checksum"}));
  EXPECT_EQ(util::read_file(output_), sound);
  fs::remove(output_);
  expect_refused(
      paths, {.quorum = 3}, ExitCode::kData, {"2 can be read", paths[1].string(), "checksum"});
}

TEST_F(VoteFilesTest, WhatIsKnownToBeUnreadableIsLeftOut) {
  const auto paths = members(3, 50);
  const VoteResult result =
      vote_files(paths, output_, {.quorum = 2, .obstacles = {"", "", "its validation is cut off"}});
  ASSERT_EQ(result.missing.size(), 1U);
  EXPECT_EQ(result.missing[0].path, paths[2]);
  EXPECT_EQ(result.missing[0].reason, "its validation is cut off");
  EXPECT_EQ(result.members.size(), 2U);
}

TEST_F(VoteFilesTest, TheFingerprintIsThatOfWhoVotedAndHow) {
  const auto paths = members(3, 50);
  const auto fingerprint = [&](const VoteOptions& options, std::vector<fs::path> who) {
    return vote_files(who, output_, options).header.model_fingerprint;
  };
  const std::string soft = fingerprint({}, paths);
  EXPECT_EQ(fingerprint({.threads = 2}, paths), soft);
  EXPECT_NE(fingerprint({.rule = VoteRule::kHard}, paths), soft);
  EXPECT_NE(fingerprint({}, {paths[0], paths[1]}), soft);
  const VoteOptions weighted{.rule = VoteRule::kWeighted, .weights = {1, 1, 2}};
  const VoteOptions other{.rule = VoteRule::kWeighted, .weights = {1, 2, 1}};
  EXPECT_NE(fingerprint(weighted, paths), fingerprint(other, paths));
}

}  // namespace
}  // namespace dtrain::predictions
