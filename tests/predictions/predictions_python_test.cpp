// Predictions as Python's h5py sees and writes them.
#include <gtest/gtest.h>

#include "predictions/predictions.h"
#include "tests/predictions/table.h"
#include "tests/support/python.h"
#include "tests/support/temp_folder.h"

namespace dtrain::predictions {
namespace {

using dtrain::testing::run_python;

TEST(PredictionsPython, ReadsWhatDtrainWrote) {
  const dtrain::testing::TempFolder folder;
  dtrain::testing::write_table(folder / "p.h5", 5000, 11, 64);
  const auto python =
      run_python("tests/predictions/check_predictions.py", {"read", (folder / "p.h5").string()});
  ASSERT_EQ(python.status, 0) << python.output;
}

TEST(PredictionsPython, WritesWhatDtrainReads) {
  const dtrain::testing::TempFolder folder;
  const auto python =
      run_python("tests/predictions/check_predictions.py", {"write", (folder / "p.h5").string()});
  ASSERT_EQ(python.status, 0) << python.output;
  const PredictionsFile file(folder / "p.h5");
  EXPECT_EQ(file.size(), 5000);
  std::vector<float> logits(5000 * 11);
  file.read_logits(0, logits);
  for (int64_t i = 0; i < 5000; ++i) {
    for (int64_t k = 0; k < 11; ++k) {
      EXPECT_NEAR(logits[size_t(i * 11 + k)], dtrain::testing::logit_of(i, k), 1e-6);
    }
  }
}

}  // namespace
}  // namespace dtrain::predictions
