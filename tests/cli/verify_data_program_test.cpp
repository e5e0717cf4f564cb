// dtrain verify-data as a user calls it: table, JSON and exit codes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/json.h"
#include "tests/cli/shell.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::cli {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;
using dtrain::testing::ShellResult;

class VerifyDataProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add("train/cat/1.jpg", "jpeg_444.jpg");
    add("train/dog/2.jpg", "jpeg_420.jpg");
    add("validation/cat/3.png", "photo.png");
    add("validation/dog/4.jpg", "jpeg_progressive.jpg");
  }
  void add(const std::string& path, const std::string& picture) const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(kPictures / picture, folder_ / path);
  }
  ShellResult call(const std::string& flags = "") const {
    return dtrain::testing::shell(
        DTRAIN_BINARY
        " verify-data --dataset image_folder --set data.eval_split=validation "
        "--data-dir " +
        folder_.path().string() + " " + flags);
  }
  dtrain::testing::TempFolder folder_, out_;
};

TEST_F(VerifyDataProgramTest, exits_with_0_when_training_can_start) {
  const ShellResult result = call();
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output, {"0 errors", "training can start"}));
}

TEST_F(VerifyDataProgramTest, exits_with_65_and_lists_every_bad_file) {
  fs::resize_file(folder_ / "train/dog/2.jpg", 1000);
  fs::resize_file(folder_ / "validation/cat/3.png", 0);
  const fs::path json_file = out_ / "report.json";
  const ShellResult result = call("--json " + json_file.string());
  EXPECT_EQ(result.code, 65);
  EXPECT_TRUE(mentions(result.output,
                       {"truncated",
                        "train/dog/2.jpg",
                        "empty_file",
                        "validation/cat/3.png",
                        "2 errors",
                        "training would fail"}));
  const config::Json report = config::Json::parse(util::read_file(json_file));
  EXPECT_TRUE(report["training_would_fail"]);
  EXPECT_EQ(report["splits"][0]["findings"]["truncated"], 1);
  EXPECT_EQ(report["findings"][0]["kind"], "truncated");
}

TEST_F(VerifyDataProgramTest, prints_nothing_but_json_when_that_goes_to_standard_output) {
  const ShellResult result = call("--json - 2>/dev/null");
  EXPECT_EQ(config::Json::parse(result.output)["training_would_fail"], false);
}

TEST_F(VerifyDataProgramTest, names_of_files_cannot_command_the_terminal) {
  add("train/cat/\x1b[31m.jpg", "jpeg_444.jpg");
  fs::resize_file(folder_ / "train/cat/\x1b[31m.jpg", 10);
  EXPECT_EQ(call().output.find('\x1b'), std::string::npos);
}

TEST_F(VerifyDataProgramTest, exits_with_64_on_a_wrong_command_line) {
  const ShellResult result = call("--json");
  EXPECT_EQ(result.code, 64);
  EXPECT_TRUE(mentions(result.output, {"--json is missing its value"}));
}

}  // namespace
}  // namespace dtrain::cli
