// Classes in the names of flat files.
#include "data/datasets/file_label.h"

#include <gtest/gtest.h>

namespace dtrain::data {
namespace {

using Names = std::vector<std::string>;

TEST(FileLabel, StandsBeforeTheFirstUnderscoreOrBehindTheLast) {
  EXPECT_EQ(label_in_name("3_17.jpg", LabelSide::kFirst), "3");
  EXPECT_EQ(label_in_name("cat_tail_0.1.png", LabelSide::kFirst), "cat");
  EXPECT_EQ(label_in_name("12_frog.png", LabelSide::kLast), "frog");
  EXPECT_EQ(label_in_name("12_big_frog.tar.gz", LabelSide::kLast), "frog.tar");
  EXPECT_EQ(label_in_name("0001.jpg", LabelSide::kFirst), "");
  EXPECT_EQ(label_in_name("_frog.jpg", LabelSide::kFirst), "");
  EXPECT_EQ(label_in_name("frog_.jpg", LabelSide::kLast), "");
  EXPECT_EQ(label_in_name("", LabelSide::kLast), "");
}

TEST(LabelReading, NumbersAreClassesInTheirOrderWithoutGaps) {
  const LabelReading read =
      read_labels({"10_1.jpg", "2_1.jpg", "02_2.jpg", "2_9.jpg", "10_2.jpg"}, "auto");
  EXPECT_EQ(read.side, LabelSide::kFirst);
  EXPECT_EQ(read.classes, (Names{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}));
  EXPECT_EQ(read.class_of("002_7.jpg"), "2");
  EXPECT_EQ(read.class_of("7.jpg"), "");
}

TEST(LabelReading, WordsAreClassesSorted) {
  const LabelReading read =
      read_labels({"dog_1.jpg", "cat_1.jpg", "cat_2.jpg", "dog_2.jpg"}, "auto");
  EXPECT_EQ(read.side, LabelSide::kFirst);
  EXPECT_EQ(read.classes, (Names{"cat", "dog"}));
  EXPECT_EQ(read.class_of("cat_3.jpg"), "cat");
}

// darknet's CIFAR: a number, then the class.
TEST(LabelReading, TheLastIsTakenWhereTheFirstMakesNearlyEveryImageAClass) {
  const Names files = {"0_frog.png", "1_truck.png", "2_truck.png", "3_frog.png"};
  const LabelReading read = read_labels(files, "auto");
  EXPECT_EQ(read.side, LabelSide::kLast);
  EXPECT_EQ(read.classes, (Names{"frog", "truck"}));
  EXPECT_EQ(read.labels_on_other_side, 4U);
  EXPECT_FALSE(read.other_side_fits);
  EXPECT_EQ(read_labels(files, "first").classes, (Names{"0", "1", "2", "3"}));
}

TEST(LabelReading, SaysWhereBothSidesFit) {
  const LabelReading read =
      read_labels({"cat_day.jpg", "cat_night.jpg", "dog_day.jpg", "dog_night.jpg"}, "auto");
  EXPECT_EQ(read.classes, (Names{"cat", "dog"}));
  EXPECT_TRUE(read.other_side_fits);
  EXPECT_EQ(read_labels({"cat_day.jpg", "dog_night.jpg"}, "last").classes, (Names{"day", "night"}));
}

}  // namespace
}  // namespace dtrain::data
