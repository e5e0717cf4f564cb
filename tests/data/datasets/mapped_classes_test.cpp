// Data sets with a part of a network's classes.
#include "data/datasets/mapped_classes.h"

#include <gtest/gtest.h>

#include "data/datasets/dataset_registry.h"
#include "data/datasets/subset.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;
using Names = std::vector<std::string>;
using Targets = std::vector<int64_t>;

class MappedClassesTest : public ::testing::Test {
 protected:
  void add(const std::string& path) const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(kPictures / "jpeg_420.jpg", folder_ / path);
  }
  // The test split, for a network of these classes.
  std::unique_ptr<Dataset> open(const Names& known) const {
    DatasetConfig config;
    config.dataset = "image_folder";
    config.data_dir = folder_.path();
    config.eval_split = "test";
    config.known_classes = known;
    return open_dataset(config, Split::kEval);
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(MappedClassesTest, HaveTheTargetsOfTheSameNames) {
  add("test/Soup/1.jpg");
  add("test/Egg/1.jpg");
  const Names known = {"Bread", "Egg", "Rice", "Soup"};
  const MappedClasses mapped(open(known), known);  // without a training split
  EXPECT_EQ(targets_of(mapped), (Targets{1, 3}));
  EXPECT_EQ(mapped.class_names(), known);
  Sample sample;
  mapped.read(1, sample);
  EXPECT_EQ(sample.target, 3);
}

TEST_F(MappedClassesTest, RefuseSamplesOfOtherClassesByName) {
  add("test/Soup/1.jpg");
  add("test/Tea/1.jpg");
  add("test/Cola/1.jpg");
  const std::string text = error_text(
      [&] {
        MappedClasses(open({"Egg", "Soup"}), {"Egg", "Soup"});
      },
      ExitCode::kConfig);
  EXPECT_TRUE(mentions(text, {"no class Cola (sample ", "test/Cola/1.jpg", "Tea (", "Egg, Soup"}));
  EXPECT_EQ(text.find("Soup/1.jpg"), std::string::npos);
}

TEST_F(MappedClassesTest, MissAFolderByItsPath) {
  DatasetConfig config;
  config.dataset = "image_folder";
  config.data_dir = folder_ / "gone";
  config.eval_split = "test";
  config.known_classes = {"Egg"};
  EXPECT_TRUE(mentions(error_text([&] { open_dataset(config, Split::kEval); }, ExitCode::kData),
                       {(folder_ / "gone").string()}));
}

TEST(AreNamed, ButNotByNumbersAlone) {
  EXPECT_TRUE(are_named({"0", "frog"}));
  EXPECT_FALSE(are_named({"0", "1", "10"}));
}

}  // namespace
}  // namespace dtrain::data
