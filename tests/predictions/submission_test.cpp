// The lines of a submission, and which number is a sample's.
#include "predictions/submission.h"

#include <gtest/gtest.h>

namespace dtrain::predictions {
namespace {

const std::vector<std::string> kClasses = {"cat", "dog, hot"};

// Sample i has id 3 i and the class i mod 2.
std::string text_of(const std::vector<std::string>& paths, int64_t samples = 0) {
  Submission submission(samples > 0 ? samples : int64_t(paths.size()));
  for (size_t i = 0; i < paths.size(); ++i) {
    submission.add({.ids = {3 * int64_t(i)},
                    .targets = {-1},
                    .predicted = {int64_t(i % 2)},
                    .paths = {paths[i]}},
                   kClasses);
  }
  return submission.text();
}

TEST(Submission, HasTheSamplesNumbersWithFourDigitsAtLeast) {
  EXPECT_EQ(text_of({"", ""}), "Id,Category\n0000,cat\n0003,\"dog, hot\"\n");
  EXPECT_EQ(text_of({"", ""}, 10'001), "Id,Category\n00000,cat\n00003,\"dog, hot\"\n");
}

TEST(Submission, HasTheNumbersOfFilesThatAreNamedByNumbers) {
  EXPECT_EQ(text_of({"new/1.jpg", "new/10.jpg", "new/2.png"}),
            "Id,Category\n0001,cat\n0002,cat\n0010,\"dog, hot\"\n");
  EXPECT_EQ(text_of({"0001.jpg", "0002.jpg"}), "Id,Category\n0001,cat\n0002,\"dog, hot\"\n");
  EXPECT_EQ(text_of({"00007.jpg", "12345.jpg"}), "Id,Category\n00007,cat\n12345,\"dog, hot\"\n");
  EXPECT_EQ(text_of({"20261124101500000000001.jpg", "3.jpg"}),
            "Id,Category\n0003,\"dog, hot\"\n20261124101500000000001,cat\n");
}

TEST(Submission, HasTheNamesOfOtherFiles) {
  EXPECT_EQ(text_of({"new/IMG_1.jpg", "new/a, b.jpg"}),
            "Id,Category\nIMG_1.jpg,cat\n\"a, b.jpg\",\"dog, hot\"\n");
  EXPECT_EQ(text_of({"7.jpg", "cat.jpg"}), "Id,Category\n7.jpg,cat\ncat.jpg,\"dog, hot\"\n");
  EXPECT_EQ(text_of({"7.jpg", "-8.jpg"}), "Id,Category\n7.jpg,cat\n-8.jpg,\"dog, hot\"\n");
  EXPECT_EQ(text_of({"1.jpg", "01.jpg"}), "Id,Category\n1.jpg,cat\n01.jpg,\"dog, hot\"\n");
}

TEST(Submission, HasThePathsOfFilesOfWhichTwoHaveTheSameName) {
  EXPECT_EQ(text_of({"a/1.jpg", "b/1.jpg"}), "Id,Category\na/1.jpg,cat\nb/1.jpg,\"dog, hot\"\n");
}

TEST(Submission, HasTheSamplesNumbersWhereSomeComeFromNoFile) {
  EXPECT_EQ(text_of({"a.jpg", ""}), "Id,Category\n0000,cat\n0003,\"dog, hot\"\n");
}

}  // namespace
}  // namespace dtrain::predictions
