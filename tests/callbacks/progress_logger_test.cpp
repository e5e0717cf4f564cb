// The lines a person watches, to the letter.
#include "callbacks/progress_logger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/callbacks/training_by_hand.h"
#include "tests/support/mentions.h"

namespace dtrain::callbacks {
namespace {

using testing::CapturedLog;
using testing::TrainingByHand;

train::TrainState state_of_the_documented_line() {
  train::TrainState state;
  state.epochs = 5;
  state.steps_per_epoch = 1251;
  state.epoch = 3;
  state.batch = 50;
  state.window = {{"loss", 2.31}};
  state.train = {{"loss", 2.45}};
  state.step_seconds = 0.312;
  state.images_per_second = 3282;
  state.mean_step_seconds = 0.318;
  state.mean_images_per_second = 3220;
  state.lr = 1e-3;
  state.data_seconds = 0.011;
  return state;
}

TEST(ProgressLine, OfTrainingIsTheOneThatUsersKnow) {
  EXPECT_EQ(
      train_line(state_of_the_documented_line()),
      "Train: 3 [  50/1251 (  4%)]  Loss: 2.31 (2.45)  Time: 0.312s, 3282/s (0.318s, 3220/s)  "
      "LR: 1.000e-03  Data: 0.011  ETA: 0:12:59");
}

TEST(ProgressLine, NamesTheWaitForOtherRanksWhereThereAreAny) {
  train::TrainState state = state_of_the_documented_line();
  state.comm_seconds = 0.004;
  EXPECT_EQ(train_line(state).find("Comm:"), std::string::npos);
  state.ranks = 2;
  EXPECT_TRUE(testing::mentions(train_line(state), {"Data: 0.011  Comm: 0.004  ETA:"}));
  state.comm_seconds.reset();  // a GPU: not measured
  EXPECT_EQ(train_line(state).find("Comm:"), std::string::npos);
}

TEST(ProgressLine, OfTheLastStepHasNothingLeftToDo) {
  train::TrainState state = state_of_the_documented_line();
  state.epoch = 4;
  state.batch = state.steps_per_epoch;
  EXPECT_TRUE(testing::mentions(train_line(state), {"[1251/1251 (100%)]", "ETA: 0:00:00"}));
}

TEST(ProgressLine, OfAnEvaluationIsTheOneThatUsersKnow) {
  train::TrainState state;
  state.epoch = 3;
  state.eval = {{"loss", 0.231}, {"top1", 94.123}, {"top5", 99.8}};
  EXPECT_EQ(eval_line(state), "Eval: 3  Loss: 0.231  Acc@1: 94.123  Acc@5: 99.800");
}

TEST(ProgressLogger, WritesALineForLoggedStepsOnlyAndForEvaluations) {
  const CapturedLog log;
  ProgressLogger progress;
  TrainingByHand{.not_evaluated = {1}}.run({&progress}, 0, 6);
  const std::string text = log.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5) << text;
  EXPECT_TRUE(testing::mentions(
      text, {"Train: 0 [1/3", "Train: 0 [3/3", "Eval: 0 ", "Train: 1 [1/3", "Train: 1 [3/3"}));
}

TEST(ProgressLogger, NamesTheBestRightBehindItsEvaluation) {
  const CapturedLog log;
  ProgressLogger progress;
  train::TrainState state = TrainingByHand::after(0);
  state.best.value = 94.3;
  TrainingByHand{.best = {1}}.run({&progress}, state, 9);
  const std::string text = log.text();
  const size_t best = text.find("*** Best: 94.300 (epoch 1)\n");
  ASSERT_NE(best, std::string::npos) << text;
  EXPECT_EQ(text.find("*** Best", best + 1), std::string::npos) << text;
  EXPECT_LT(text.find("Eval: 1 "), best);
  EXPECT_GT(text.find("Train: 2 "), best);
}

}  // namespace
}  // namespace dtrain::callbacks
