// What a vote takes from validation samples.
#include "inference/vote_validation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "inference/vote_weights.h"
#include "tests/inference/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"

namespace dtrain::inference {
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
}  // namespace dtrain::inference
