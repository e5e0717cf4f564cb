// A training whose evaluation would fail ends early.
#include "callbacks/evaluation_check.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"
#include "util/check.h"

namespace dtrain::callbacks {
namespace {

using dtrain::testing::error_text;
using dtrain::testing::mentions;

TEST(EvaluationCheck, IsSilentUntilABadSampleIsFound) {
  data::BackgroundCheck::Found found;
  EvaluationCheck check([&] { return found; });
  train::TrainState state;
  train::Requests requests;
  found.checked = 10;
  check.on_step_end(state, requests);
  check.on_validation_start(state, requests);
  found.bad = 3;
  found.first = data_error("sample 4 of x/validation", "is cut short", "");
  EXPECT_TRUE(mentions(error_text([&] { check.on_step_end(state, requests); }, ExitCode::kData),
                       {"evaluation data, sample 4 of x/validation",
                        "is cut short",
                        "2 more of the 10 checked so far",
                        "whatever loader.bad_samples is",
                        "verify-data"}));
}

TEST(EvaluationCheck, AsksNoMoreOnceAllIsChecked) {
  int asked = 0;
  EvaluationCheck check([&] {
    ++asked;
    return data::BackgroundCheck::Found{.checked = 5, .bad = 0, .is_over = true, .first = {}};
  });
  train::TrainState state;
  train::Requests requests;
  for (int i = 0; i < 3; ++i) check.on_step_end(state, requests);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace dtrain::callbacks
