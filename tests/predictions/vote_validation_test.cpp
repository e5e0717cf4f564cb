// What a vote takes from validation samples.
#include "predictions/vote_validation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "predictions/vote_weights.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::predictions {
namespace {

using dtrain::testing::mentions;
namespace fs = std::filesystem;

constexpr int64_t kSamples = 300, kClasses = 5;

class VoteValidationTest : public ::testing::Test {
 protected:
  // Logits that know the target a bit, and are too sure of themselves by `factor`.
  fs::path write(const std::string& name,
                 const std::string& data,
                 int64_t start,
                 float factor,
                 double temperature) const {
    PredictionsHeader header = dtrain::testing::header_of(kClasses);
    header.model_fingerprint = name;
    header.data_fingerprint = data;
    header.temperature = temperature;
    const PredictionsIndex index = dtrain::testing::index_of(start, kSamples, kClasses);
    std::vector<float> logits =
        dtrain::testing::logits_of(start + int64_t(name.front()) * 1000, kSamples, kClasses);
    for (size_t i = 0; i < index.targets.size(); ++i) {
      if (index.targets[i] >= 0) logits[i * kClasses + size_t(index.targets[i])] += 2;
    }
    for (float& logit : logits) logit *= factor;
    const fs::path path = folder_ / (name + "-" + data + ".h5");
    PredictionsWriter writer(path, header, kSamples);
    writer.append(index, logits);
    writer.finish();
    return path;
  }
  void SetUp() override {
    for (const auto& [name, factor] : {std::pair{"a", 4.0F}, {"b", 1.0F}, {"c", 2.0F}}) {
      voted_.push_back(write(name, "test", 0, factor, 1.5));
      validation_.push_back(write(name, "validation", 5000, factor, 1));
    }
  }

  dtrain::testing::TempFolder folder_;
  std::vector<fs::path> voted_, validation_;
};

TEST_F(VoteValidationTest, CalibratesTheVoteOfTheValidationSamplesAtTheVotedTemperatures) {
  VoteOptions options{.rule = VoteRule::kSoft};
  const fs::path kept = folder_ / "vote-validation.h5";
  const auto report = prepare_vote(voted_, validation_, kept, {.calibrate = true}, options);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(options.temperature, report->fit.temperature);
  EXPECT_NE(options.temperature, 1);
  EXPECT_LT(report->fit.nll_after, report->fit.nll_before);
  // The same by hand.
  vote_files(validation_,
             folder_ / "by-hand.h5",
             {.rule = VoteRule::kSoft, .temperatures = {1.5, 1.5, 1.5}});
  EXPECT_EQ(fit_temperature(read_labelled(folder_ / "by-hand.h5")).temperature,
            options.temperature);
  vote_files(voted_, folder_ / "vote.h5", options);
  EXPECT_EQ(PredictionsFile(folder_ / "vote.h5").header().temperature, options.temperature);
}

TEST_F(VoteValidationTest, FindsWeightsAtTheVotedTemperatures) {
  VoteOptions options{.rule = VoteRule::kSoft};
  EXPECT_FALSE(prepare_vote(voted_, validation_, "", {.weights = "fitted"}, options).has_value());
  EXPECT_EQ(options.rule, VoteRule::kWeighted);
  EXPECT_EQ(options.weights, fitted_weights(validation_, {1.5, 1.5, 1.5}).weights);
  EXPECT_NE(options.weights, fitted_weights(validation_).weights);
}

TEST_F(VoteValidationTest, LeavesOutMembersThatAreNotThereWhereThereIsAQuorum) {
  fs::remove(voted_[1]);
  VoteOptions options{.rule = VoteRule::kSoft};
  EXPECT_THROW(prepare_vote(voted_, validation_, "", {.weights = "accuracy"}, options), Error);
  options.quorum = 2;
  prepare_vote(voted_, validation_, "", {.weights = "accuracy"}, options);
  ASSERT_EQ(options.weights.size(), 3U);
  EXPECT_EQ(options.weights[1], 0);
  EXPECT_NEAR(options.weights[0] + options.weights[2], 1, 1e-12);
  const VoteResult result = vote_files(voted_, folder_ / "vote.h5", options);
  EXPECT_EQ(result.members.size(), 2U);
}

TEST_F(VoteValidationTest, LeavesOutMembersOfWhichAFileIsDamagedWhereThereIsAQuorum) {
  const auto truncate = [](std::string& bytes) { bytes.resize(bytes.size() / 2); };
  const auto flip = [](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; };  // of a logit
  for (const fs::path& path : {voted_[1], validation_[1]}) {
    for (const auto& damage : std::vector<std::function<void(std::string&)>>{truncate, flip}) {
      const std::string good = util::read_file(path);
      std::string bytes = good;
      damage(bytes);
      util::write_file_atomic(path, bytes);
      VoteOptions options{.rule = VoteRule::kSoft};
      const fs::path kept = folder_ / "kept.h5", vote = folder_ / "vote.h5";
      EXPECT_THROW(
          {
            prepare_vote(voted_, validation_, kept, {.calibrate = true}, options);
            vote_files(voted_, vote, options);
          },
          Error);
      options = {.rule = VoteRule::kSoft, .quorum = 2};
      const auto report = prepare_vote(
          voted_, validation_, kept, {.weights = "fitted", .calibrate = true}, options);
      ASSERT_TRUE(report.has_value());
      const VoteResult result = vote_files(voted_, vote, options);
      ASSERT_EQ(result.missing.size(), 1U);
      EXPECT_EQ(result.missing[0].path, voted_[1]);
      EXPECT_TRUE(mentions(result.missing[0].reason, {path.string()}));
      ASSERT_EQ(result.members.size(), 2U);
      EXPECT_EQ(result.members[0].weight + result.members[1].weight, 1);
      // The same as without the member.
      VoteOptions others{.rule = VoteRule::kSoft};
      prepare_vote({voted_[0], voted_[2]},
                   {validation_[0], validation_[2]},
                   folder_ / "kept-others.h5",
                   {.weights = "fitted", .calibrate = true},
                   others);
      vote_files({voted_[0], voted_[2]}, folder_ / "others.h5", others);
      EXPECT_EQ(util::read_file(vote), util::read_file(folder_ / "others.h5"));
      util::write_file_atomic(path, good);
    }
  }
}

TEST_F(VoteValidationTest, WritesNothingWhereTheQuorumIsMissed) {
  util::write_file_atomic(validation_[0], "no HDF5");
  VoteOptions options{.rule = VoteRule::kSoft, .quorum = 3};
  const fs::path kept = folder_ / "kept.h5";
  EXPECT_FALSE(prepare_vote(voted_, validation_, kept, {.calibrate = true}, options).has_value());
  EXPECT_FALSE(fs::exists(kept));
  try {
    vote_files(voted_, folder_ / "vote.h5", options);
    FAIL() << "voted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_TRUE(mentions(error.what(), {"2 can be read", validation_[0].string()}));
  }
}

TEST_F(VoteValidationTest, RefusesFilesOfOtherWeightsAndTheSamplesThatAreVotedOn) {
  VoteOptions options;
  const auto refusal = [&](const std::vector<fs::path>& validation) -> std::string {
    try {
      prepare_vote(voted_, validation, folder_ / "x.h5", {.calibrate = true}, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      return error.what();
    }
    return "";
  };
  EXPECT_TRUE(mentions(refusal({validation_[1], validation_[0], validation_[2]}),
                       {validation_[1].string(), voted_[0].string(), "different weights"}));
  EXPECT_TRUE(mentions(refusal(voted_), {"the same samples", "data.holdout"}));
}

}  // namespace
}  // namespace dtrain::predictions
