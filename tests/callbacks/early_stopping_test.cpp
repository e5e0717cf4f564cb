// When a training that no longer gets better ends, and that a resumed one counts on.
#include "callbacks/early_stopping.h"

#include <gtest/gtest.h>

#include "tests/callbacks/training_by_hand.h"
#include "tests/support/mentions.h"

namespace dtrain::callbacks {
namespace {

using testing::CapturedLog;
using testing::mentions;
using testing::TrainingByHand;

TEST(EarlyStopping, StopsAfterAsManyEvaluationsInARowWithoutABest) {
  EarlyStopping stopping(2);
  const CapturedLog log;
  const auto end = TrainingByHand{.best = {0}}.run({&stopping});
  EXPECT_EQ(end.granted, train::Wish::kStop);
  EXPECT_EQ(end.step, 9);
  EXPECT_TRUE(mentions(log.text(), {"Stopping early: 2 evaluations", "since epoch 0"}));
}

TEST(EarlyStopping, CountsAnewAfterABest) {
  EarlyStopping stopping(2);
  const auto end = TrainingByHand{.best = {0, 2}}.run({&stopping});
  EXPECT_EQ(end.granted, train::Wish::kNothing);
  EXPECT_EQ(end.step, TrainingByHand::kAll);
}

TEST(EarlyStopping, CountsEvaluationsAndNotEpochs) {
  EarlyStopping stopping(2);
  const auto end = TrainingByHand{.best = {0}, .not_evaluated = {1}}.run({&stopping});
  EXPECT_EQ(end.granted, train::Wish::kStop);
  EXPECT_EQ(end.step, 12);
}

TEST(EarlyStopping, CountsOnInAResumedTraining) {
  const TrainingByHand training{.best = {0}};
  for (const int64_t killed_at : {6, 7}) {  // between two epochs, and within one
    EarlyStopping before(2), after(2);
    const auto state = training.run({&before}, 0, killed_at);
    ASSERT_EQ(state.granted, train::Wish::kNothing);
    auto end = TrainingByHand::after(killed_at);
    end.best = state.best;  // as a checkpoint keeps it
    end = training.run({&after}, end);
    EXPECT_EQ(end.granted, train::Wish::kStop);
    EXPECT_EQ(end.step, 9) << "killed at step " << killed_at;
  }
}

TEST(EarlyStopping, LetsATrainingThatItHasStoppedDoNoFurtherStep) {
  EarlyStopping stopping(2);
  auto state = TrainingByHand::after(9);
  state.best.evaluations_since = 2;
  EXPECT_EQ(TrainingByHand().run({&stopping}, state).step, 9);
}

TEST(EarlyStopping, LetsATrainingGoOnWithMorePatience) {
  EarlyStopping stopping(4);
  auto state = TrainingByHand::after(9);
  state.best.evaluations_since = 2;
  EXPECT_EQ(TrainingByHand().run({&stopping}, state).step, 12);
}

}  // namespace
}  // namespace dtrain::callbacks
