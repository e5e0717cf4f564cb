// dtrain evaluate as a user calls it: what it prints, what it writes, and how it refuses.
#include <gtest/gtest.h>

#include "data/datasets/dataset_registry.h"
#include "tests/cli/shell.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"
#include "util/atomic_file.h"

namespace dtrain::cli {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::mentions;
using dtrain::testing::names_in;
using dtrain::testing::ShellResult;
using Names = std::vector<std::string>;

class EvaluateProgramTest : public ::testing::Test {
 protected:
  // Four samples of two classes with targets 0, 1, 0 and none; logits of class 1, those of class 0
  // are 0.
  std::string write(const std::string& name,
                    std::vector<float> ones,
                    const std::string& data = "data",
                    std::vector<int64_t> targets = {0, 1, 0, -1}) const {
    predictions::PredictionsHeader header = dtrain::testing::header_of(2);
    header.class_names = {"cat", "dog"};
    header.data_fingerprint = data;
    const predictions::PredictionsIndex index{.ids = {0, 1, 2, 3},
                                              .targets = std::move(targets),
                                              .predicted = {},
                                              .paths = {"0.png", "1.png", "2.png", "3.png"}};
    dtrain::testing::write_rows(
        folder_ / name, header, index, {0, ones[0], 0, ones[1], 0, ones[2], 0, ones[3]});
    return (folder_ / name).string();
  }
  ShellResult evaluate(const std::string& arguments) const {
    return dtrain::testing::shell("cd " + work_.path().string() +
                                  " && " DTRAIN_BINARY " evaluate " + arguments);
  }
  dtrain::testing::TempFolder folder_, work_;
  const std::string output_ = (folder_ / "output").string();
};

TEST_F(EvaluateProgramTest, PrintsMeasuresClassesAndConfusionsAndWritesNothing) {
  const ShellResult result = evaluate(write("a.h5", {-1, 2, 3, 1}));
  EXPECT_EQ(result.code, 0) << result.output;
  // -log of softmax: log(1 + exp(-1)), log(1 + exp(-2)) and log(1 + exp(3)).
  EXPECT_TRUE(mentions(result.output,
                       {"resnet18 run/checkpoints/best, logits, not calibrated: 3 of 4 samples of "
                        "pictures/test have a target",
                        "accuracy, %         66.667  95 % interval 0.000 to 100.000",
                        "top-5 accuracy, %  100.000",
                        "NLL                1.16293",
                        "cat                 1.0000  0.5000  0.6667        2",
                        "dog                 0.5000  1.0000  0.6667        1",
                        "cat    dog              1            50.0"}));
  EXPECT_EQ(names_in(work_.path()), Names());
  EXPECT_EQ(names_in(folder_.path()), Names{"a.h5"});
}

TEST_F(EvaluateProgramTest, WritesFilesAndSaysWhatASheetOfPicturesTakes) {
  const ShellResult result = evaluate(write("a.h5", {-1, 2, 3, 1}) + " --output " + output_);
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(
      mentions(result.output, {"No contact sheet", "--config", "--data-dir", "Wrote: " + output_}));
  EXPECT_EQ(names_in(output_),
            (Names{"confusion.csv",
                   "confusion.png",
                   "confusion.svg",
                   "hardest.csv",
                   "metrics.json",
                   "per_class.csv",
                   "reliability.png",
                   "reliability.svg"}));
  EXPECT_EQ(util::read_file(fs::path(output_) / "confusion.csv"),
            "target,cat,dog\ncat,1,1\ndog,0,1\n");
}

TEST_F(EvaluateProgramTest, FindsThePicturesOfTheDataThatFlagsOrAFileName) {
  const fs::path data = folder_ / "idx";
  dtrain::testing::write_tiny_idx(data, {.train = 8, .test = 4});
  data::DatasetConfig config;
  config.dataset = "idx";
  config.data_dir = data.string();
  config.eval_split = "test";
  const std::string fingerprint = data::open_dataset(config, data::Split::kEval)->fingerprint();
  const std::string file = write("a.h5", {-1, 2, 3, 1}, fingerprint);
  const fs::path settings = folder_ / "settings.json";
  util::write_file_atomic(settings,
                          R"({"data": {"dataset": "idx", "data_dir": ")" + data.string() + "\"}}");
  for (const std::string& flags :
       {"--dataset idx --data-dir " + data.string(), "--config " + settings.string()}) {
    const ShellResult result = evaluate(file + " --output " + output_ + " --hardest 2 " + flags);
    EXPECT_EQ(result.code, 0) << result.output;
    EXPECT_TRUE(fs::remove(fs::path(output_) / "hardest.png")) << flags;
    // The header and two samples.
    const std::string csv = util::read_file(fs::path(output_) / "hardest.csv");
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3) << csv;
  }
  const ShellResult other = evaluate(write("b.h5", {-1, 2, 3, 1}, "other") + " --output " +
                                     output_ + " --config " + settings.string());
  EXPECT_EQ(other.code, 0) << other.output;
  EXPECT_TRUE(mentions(other.output, {"No contact sheet: no split", "pictures/test"}));
  EXPECT_FALSE(fs::exists(fs::path(output_) / "hardest.png"));
}

TEST_F(EvaluateProgramTest, PutsTwoFilesSideBySide) {
  const std::string a = write("a.h5", {-1, 2, 3, 1}), b = write("b.h5", {-1, -2, -4, -1});
  const ShellResult result = evaluate(a + " " + b + " --output " + output_);
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output,
                       {"accuracy, %         66.667   66.667  +0.000",
                        "Right less left: +0.000 points, 95 % interval ",
                        "right alone: 1 and 1; McNemar's test (exact): p = 1",
                        "3 of 4 samples differ:",
                        " 1  dog     dog   cat    1.png",
                        " 3  -       dog   cat    3.png"}));
  EXPECT_EQ(names_in(output_), (Names{"differing.csv", "left", "right"}));
  EXPECT_EQ(util::read_file(fs::path(output_) / "differing.csv"),
            "id,path,target,left,right\n1,1.png,dog,dog,cat\n2,2.png,cat,dog,cat\n"
            "3,3.png,,dog,cat\n");
  EXPECT_EQ(util::read_file(fs::path(output_) / "right/confusion.csv"),
            "target,cat,dog\ncat,2,0\ndog,1,0\n");
}

TEST_F(EvaluateProgramTest, RefusesWhatDoesNotFitWithTheRightExitCode) {
  const std::string a = write("a.h5", {-1, 2, 3, 1}), other = write("b.h5", {1, 2, 3, 4}, "other"),
                    blind = write("c.h5", {1, 2, 3, 4}, "data", {-1, -1, -1, -1}),
                    none = folder_ / "none.h5", damaged = folder_ / "damaged.h5",
                    output = " --output " + output_;
  util::write_file_atomic(damaged, util::read_file(a).substr(0, 3000));
  struct Case {
    std::string arguments;
    int code;
    Names parts;
  };
  for (const Case& one : {Case{"", 64, {"0 files", "usage: dtrain evaluate"}},
                          Case{a + " " + a + " " + a, 64, {"3 files"}},
                          Case{a + " --outputs x", 64, {"--outputs", "--output"}},
                          Case{a + " --hardest -1", 64, {"hardest"}},
                          Case{a + " --hardest some", 64, {"hardest"}},
                          Case{none, 65, {none}},
                          Case{damaged, 65, {damaged}},
                          Case{blind, 65, {blind, "no sample has a target"}},
                          Case{a + " " + other + output, 65, {a, other, "fingerprint"}},
                          Case{a + " " + none + output, 65, {none}},
                          Case{a + " --output " + a + "/below", 74, {a + "/below"}},
                          Case{a + output + " --config " + none, 74, {none}},
                          Case{a + output + " --lr -2", 78, {"optimizer.lr"}}}) {
    const ShellResult result = evaluate(one.arguments);
    EXPECT_EQ(result.code, one.code) << one.arguments << "\n" << result.output;
    EXPECT_EQ(result.lines_with("dtrain: error: ").size(), 1U) << result.output;
    EXPECT_TRUE(mentions(result.output, one.parts));
    EXPECT_FALSE(fs::exists(output_)) << one.arguments;
  }
}

}  // namespace
}  // namespace dtrain::cli
