// What a person should know of the data of a run.
#include "data/datasets/doubts.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"

namespace dtrain::data {
namespace {

using dtrain::testing::mentions;

// Targets and names alone.
class LabelsOnly : public Dataset {
 public:
  LabelsOnly(std::vector<std::string> names, std::vector<int64_t> targets)
      : names_(std::move(names)), targets_(std::move(targets)) {}
  const std::string& name() const override { return name_; }
  int64_t size() const override { return int64_t(targets_.size()); }
  void read(int64_t, Sample&) const override {}
  int64_t target(int64_t index) const override { return targets_[size_t(index)]; }
  ImageShape shape() const override { return {}; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::string fingerprint() const override { return ""; }

 private:
  std::string name_ = "targets";
  std::vector<std::string> names_;
  std::vector<int64_t> targets_;
};

TEST(Doubts, GoodDataAreNotDoubted) {
  EXPECT_TRUE(doubts_about_classes(LabelsOnly({"cat", "dog"}, {0, 1, kUnlabelled})).empty());
  EXPECT_EQ(doubt_about_evaluation("a", "b"), "");
}

TEST(Doubts, OneClass) {
  const auto found = doubts_about_classes(LabelsOnly({"cat"}, {0, 0}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(mentions(found[0], {"one class only", "cat"}));
}

TEST(Doubts, ClassesWithoutATrainingImageAndGapsInNumbers) {
  auto found = doubts_about_classes(LabelsOnly({"cat", "dog", "owl"}, {0, 2}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(mentions(found[0], {"1 of 3 classes", "dog"}));
  EXPECT_EQ(found[0].find("gaps"), std::string::npos);
  found = doubts_about_classes(LabelsOnly({"0", "1", "2", "3", "4", "5", "6", "7", "8"}, {0, 8}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(mentions(found[0], {"7 of 9 classes", "1, 2, 3, 4, 5 and 2 more", "leave gaps"}));
}

TEST(Doubts, NamesOfMissingValues) {
  for (const char* name : {"nan", "NaN", "None", "N/A", "null"}) {
    const auto found = doubts_about_classes(LabelsOnly({"cat", name}, {0, 1}));
    ASSERT_EQ(found.size(), 1U) << name;
    EXPECT_TRUE(mentions(found[0], {"missing value", name}));
  }
  EXPECT_TRUE(doubts_about_classes(LabelsOnly({"nankeen", "banana"}, {0, 1})).empty());
}

TEST(Doubts, EvaluationOnWhatIsTrainedOn) {
  EXPECT_TRUE(mentions(doubt_about_evaluation("a", "a"), {"is the training split"}));
}

}  // namespace
}  // namespace dtrain::data
