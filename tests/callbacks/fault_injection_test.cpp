// Faults on demand: which rank, which step, how often, and what is no fault at all.
#include "callbacks/fault_injection.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/callbacks/training_by_hand.h"
#include "tests/support/mentions.h"
#include "tests/support/tensor_matchers.h"
#include "util/check.h"

namespace dtrain::callbacks {
namespace {

using testing::TrainingByHand;

struct TwoWeights : nn::Classifier {
  explicit TwoWeights(at::ScalarType dtype) {
    first = register_parameter("first", at::ones({2, 3}, dtype));
    second = register_parameter("second", at::ones({2}, dtype));
  }
  at::Tensor forward(const at::Tensor& images) override { return images; }
  at::Tensor first, second;
};

class FaultInjection : public ::testing::Test {
 protected:
  void TearDown() override { unsetenv("DTRAIN_TEST_FAULT"); }

  std::unique_ptr<train::Callback> fault(const std::string& text, int64_t rank) {
    setenv("DTRAIN_TEST_FAULT", text.c_str(), 1);
    return injected_fault(model_, rank);
  }

  TwoWeights model_{at::kFloat};
};

TEST_F(FaultInjection, NothingIsInjectedWhereNobodyAsksForIt) {
  EXPECT_EQ(injected_fault(model_, 0), nullptr);
}

TEST_F(FaultInjection, OnlyTheRankThatIsNamedIsHit) {
  EXPECT_EQ(fault("nan_weight:1:2", 0), nullptr);
  EXPECT_NE(fault("nan_weight:1:2", 1), nullptr);
}

TEST_F(FaultInjection, FlipsTheLowestBitOfTheFirstWeightAfterThatStepAlone) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    TwoWeights model(dtype);
    setenv("DTRAIN_TEST_FAULT", "flip_bit:0:2", 1);
    const auto flip = injected_fault(model, 0);
    ASSERT_NE(flip, nullptr);
    TrainingByHand().run({flip.get()}, 0, 1);
    EXPECT_TRUE(testing::bit_equal(model.first, at::ones({2, 3}, dtype)));
    TrainingByHand().run({flip.get()}, 1, 4);
    const double one_bit_more =
        dtype == at::kDouble ? std::nextafter(1.0, 2.0) : double(std::nextafter(1.0F, 2.0F));
    at::Tensor expected = at::ones({2, 3}, dtype);
    expected[0][0] = one_bit_more;
    EXPECT_TRUE(testing::bit_equal(model.first, expected));
    EXPECT_TRUE(testing::bit_equal(model.second, at::ones({2}, dtype)));
  }
}

TEST_F(FaultInjection, HitsOnceEvenWhereARollbackComesByThatStepAgain) {
  const auto flip = fault("flip_bit:0:2", 0);
  TrainingByHand().run({flip.get()}, 0, 3);
  const at::Tensor after = model_.first.detach().clone();
  TrainingByHand().run({flip.get()}, 0, 3);  // a second flip would undo the first
  EXPECT_TRUE(testing::bit_equal(model_.first, after));
}

TEST_F(FaultInjection, MakesTheFirstWeightNanAndNoOther) {
  const auto nan = fault("nan_weight:3:2", 3);
  TrainingByHand().run({nan.get()}, 0, 2);
  const at::Tensor is_nan = model_.first.isnan();
  EXPECT_TRUE(is_nan[0][0].item<bool>());
  EXPECT_EQ(is_nan.sum().item<int64_t>(), 1);
}

TEST_F(FaultInjection, WhateverElseIsWrittenIsRefused) {
  for (const std::string text : {"",
                                 "flip_bit",
                                 "flip_bit:0",
                                 "flip_bit:0:",
                                 "flip_bit:zero:2",
                                 "flip_bit:0:2x",
                                 "flip_bit:0:2:3",
                                 "a_kind_of_a_long_name:0:2",
                                 "burn:0:2"}) {
    try {
      fault(text, 0);
      ADD_FAILURE() << "'" << text << "' is taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_TRUE(testing::mentions(
          error.what(), {"DTRAIN_TEST_FAULT", text, "flip_bit:RANK:STEP", "nan_weight:RANK:STEP"}));
    }
  }
}

}  // namespace
}  // namespace dtrain::callbacks
