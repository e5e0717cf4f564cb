// One accuracy of the samples that the folds held out.
#include "predictions/cross_validation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"

namespace dtrain::predictions {
namespace {

using dtrain::testing::error_text;
using dtrain::testing::mentions;

class CrossValidationTest : public ::testing::Test {
 protected:
  // Samples from `first` on, of which the first `right` are right and `unknown` have no target.
  std::filesystem::path fold(const std::string& name,
                             int64_t first,
                             int64_t samples,
                             int64_t right,
                             int64_t unknown = 0) const {
    const std::filesystem::path path = folder_ / name;
    PredictionsIndex rows;
    std::vector<float> logits;
    for (int64_t i = 0; i < samples; ++i) {
      rows.ids.push_back(first + i);
      rows.paths.emplace_back();
      rows.targets.push_back(i < samples - unknown ? 1 : -1);
      const bool is_right = i < right;
      logits.insert(logits.end(), {is_right ? 0.0F : 2.0F, 1.0F});
    }
    PredictionsWriter writer(path, dtrain::testing::header_of(2), samples);
    writer.append(rows, logits);
    writer.finish();
    return path;
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(CrossValidationTest, CountsEachSampleOnceAndTellsTheSpreadOfTheFolds) {
  const CrossValidation result = cross_validate(
      "cv", {fold("a.h5", 0, 10, 5), fold("b.h5", 10, 5, 4), fold("c.h5", 20, 8, 2, 4)});
  EXPECT_EQ(result.labelled(), 19);
  EXPECT_EQ(result.right(), 11);
  EXPECT_DOUBLE_EQ(result.accuracy(), 11.0 / 19.0);
  EXPECT_EQ(result.accuracies(), (std::vector<double>{0.5, 0.8, 0.5}));
  EXPECT_NEAR(result.deviation(), std::sqrt((0.01 + 0.04 + 0.01) / 2), 1e-12);  // about 0.6
}

TEST_F(CrossValidationTest, RefusesASampleThatTwoFoldsHeldOut) {
  const auto a = fold("a.h5", 0, 10, 5), b = fold("b.h5", 9, 5, 4);
  EXPECT_TRUE(mentions(error_text(
                           [&] {
                             cross_validate("cv", {a, b});
                           },
                           ExitCode::kData),
                       {"cv", "sample 9", "a.h5", "b.h5"}));
}

TEST_F(CrossValidationTest, RefusesAFoldWithoutTargets) {
  const auto a = fold("a.h5", 0, 3, 0, 3);
  EXPECT_TRUE(mentions(error_text([&] { cross_validate("cv", {a}); }, ExitCode::kData), {"a.h5"}));
}

}  // namespace
}  // namespace dtrain::predictions
