// When a training is called one that does not learn.
#include "callbacks/learning_watch.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/callbacks/training_by_hand.h"
#include "tests/support/mentions.h"

namespace dtrain::callbacks {
namespace {

using testing::CapturedLog;
using testing::mentions;

struct Evaluated {
  double loss, top1;
};

// What is said after evaluations of that loss and accuracy.
std::string said(const std::vector<int64_t>& class_sizes, const std::vector<Evaluated>& all) {
  const CapturedLog log;
  LearningWatch watch(class_sizes);
  train::Requests requests;
  train::TrainState state;
  for (const Evaluated& one : all) {
    state.eval = {{"loss", one.loss}, {"top1", one.top1}};
    watch.on_validation_end(state, requests);
  }
  return log.text();
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

const std::vector<int64_t> kElevenClasses(11, 6);

TEST(LearningWatch, WarnsOnceOfALossFarAboveThatOfAGuess) {
  EXPECT_EQ(said(kElevenClasses, {{23.9, 50}}), "");  // ten times ln(11) is 23.98
  const std::string text = said(kElevenClasses, {{24.1, 50}, {4.95e39, 50}});
  EXPECT_EQ(count(text, "the evaluation loss is 24.1, and a guess has 2.398"), 1);
  EXPECT_EQ(count(text, "the evaluation loss"), 1);
  EXPECT_TRUE(mentions(text, {"--lr", "--warmup-epochs"}));
}

TEST(LearningWatch, WarnsOfALossThatIsNotFinite) {
  for (const double loss :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(count(said(kElevenClasses, {{loss, 50}}), "the evaluation loss is not finite"), 1);
  }
}

TEST(LearningWatch, WarnsOnceOfAnAccuracyAtChanceFromTheSecondEvaluationOn) {
  EXPECT_EQ(said(kElevenClasses, {{2.4, 9.1}}), "");
  const std::string text = said(kElevenClasses, {{2.4, 9.1}, {2.4, 10.6}, {2.4, 9.1}});
  EXPECT_EQ(count(text, "after 2 evaluations the accuracy is 10.60 %, no better than chance"), 1);
  EXPECT_EQ(count(text, "no better than chance"), 1);
  EXPECT_TRUE(mentions(text, {"9.09 %, up to 12.63 % on 66 samples", "--lr", "labels"}));
}

TEST(LearningWatch, IsSilentOnceSomethingWasLearnt) {
  EXPECT_EQ(said(kElevenClasses, {{2.2, 18.3}, {2.4, 9.1}, {2.4, 9.1}}), "");
}

TEST(LearningWatch, TakesTheShareOfTheLargestClassForChance) {
  const std::vector<int64_t> uneven = {900, 50, 50};
  EXPECT_EQ(count(said(uneven, {{0.4, 90}, {0.4, 90.5}}), "no better than chance"), 1);
  EXPECT_EQ(said(uneven, {{0.4, 90}, {0.3, 92.5}}), "");
}

// Ten samples of two classes: nine right are no chance.
TEST(LearningWatch, DoesNotCallAHighAccuracyOfFewSamplesChance) {
  EXPECT_EQ(said({5, 5}, {{0.3, 90}, {0.3, 90}}), "");
}

TEST(LearningWatch, HasNothingToSayOfASingleClass) {
  EXPECT_EQ(said({10}, {{99, 100}, {99, 100}}), "");
}

}  // namespace
}  // namespace dtrain::callbacks
