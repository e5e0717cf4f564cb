// dtrain pack as a user calls it: output, exit codes, a kill, and training on what it wrote.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "data/pack/pack_dataset.h"
#include "tests/cli/shell.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"

namespace dtrain::cli {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::bytes_of;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;
using dtrain::testing::names_in;
using dtrain::testing::ShellResult;
using Names = std::vector<std::string>;

class PackProgramTest : public ::testing::Test {
 protected:
  void fill(int pictures_a_split) const {
    for (const char* split : {"train", "validation"}) {
      for (int i = 0; i < pictures_a_split; ++i) {
        const fs::path folder = folder_ / split / std::to_string(i % 2);
        fs::create_directories(folder);
        fs::copy_file(kPictures / "jpeg_444.jpg", folder / (std::to_string(i) + ".jpg"));
      }
    }
  }
  std::string arguments(const std::string& flags) const {
    return "--data-dir " + folder_.path().string() + " --output " + file_.string() + " " + flags;
  }
  ShellResult call(const std::string& flags) const {
    return dtrain::testing::shell(DTRAIN_BINARY " pack " + arguments(flags));
  }
  void expect_error(const ShellResult& result, int code, const Names& parts) const {
    EXPECT_EQ(result.code, code) << result.output;
    EXPECT_EQ(result.lines_with("dtrain: error: ").size(), 1U) << result.output;
    EXPECT_TRUE(mentions(result.output, parts));
  }

  dtrain::testing::TempFolder folder_, out_;
  const fs::path file_ = out_ / "a.h5";
};

TEST_F(PackProgramTest, packs_all_splits_and_says_so) {
  fill(6);
  const ShellResult result = call("--size 20 --workers 2");
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(
      mentions(result.output, {"Pack: 12/12 (100%)", "Packed: train 6, validation 6; ", "a.h5"}));
  EXPECT_EQ(names_in(out_.path()), Names{"a.h5"});
  EXPECT_EQ(data::PackDataset::splits(file_), (Names{"train", "validation"}));
}

TEST_F(PackProgramTest, trains_on_a_pack) {
  fill(8);
  ASSERT_EQ(call("--size 32").code, 0);
  const ShellResult result = dtrain::testing::shell(
      DTRAIN_BINARY " --dataset pack --data-dir " + file_.string() +
      " --set data.eval_split=validation --set model.width=8 -b 4 --epochs 1 --device cpu "
      "--output " +
      (out_ / "runs").string());
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_TRUE(mentions(result.output, {"Eval: "}));
}

TEST_F(PackProgramTest, exits_with_64_on_a_wrong_command_line) {
  const std::string program = DTRAIN_BINARY " pack ";
  expect_error(dtrain::testing::shell(program + "--data-dir x"), 64, {"no --output"});
  expect_error(call("stray"), 64, {"stray argument \"stray\""});
  expect_error(call("--sise 3"), 64, {"did you mean --size?"});
  expect_error(call("--size -3"), 64, {"size", "between 0 and 8192"});
}

TEST_F(PackProgramTest, exits_with_65_on_bad_pictures_unless_they_are_left_out) {
  fill(4);
  fs::resize_file(folder_ / "train/0/2.jpg", 1000);
  expect_error(call(""), 65, {"train/0/2.jpg", "--skip-bad"});
  EXPECT_FALSE(fs::exists(file_));
  const ShellResult result = call("--skip-bad");
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(
      mentions(result.output, {"warning: left out ", "train/0/2.jpg", "Left out: 1", "train 3, "}));
  expect_error(dtrain::testing::shell(DTRAIN_BINARY " pack --data-dir /nowhere --output " +
                                      (out_ / "b.h5").string()),
               65,
               {"/nowhere"});
}

TEST_F(PackProgramTest, exits_with_74_when_the_file_is_there_or_cannot_be_written) {
  fill(2);
  std::ofstream(file_) << "precious";
  expect_error(call(""), 74, {"a.h5", "exists already"});
  fs::remove(file_);
  const std::string output = " --output /proc/nowhere/a.h5";
  expect_error(
      dtrain::testing::shell(DTRAIN_BINARY " pack --data-dir " + folder_.path().string() + output),
      74,
      {"/proc/nowhere"});
}

TEST_F(PackProgramTest, exits_with_77_on_a_pack_that_leads_elsewhere) {
  fill(2);
  ASSERT_EQ(call("").code, 0);
  const hid_t file = H5Fopen(file_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Lcreate_external("/etc/passwd", "/", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(H5Fclose(file), 0);
  const ShellResult result =
      dtrain::testing::shell(DTRAIN_BINARY " --dataset pack --data-dir " + file_.string() +
                             " --output " + (out_ / "runs").string());
  expect_error(result, 77, {"a.h5", "/elsewhere", "another file"});
}

// Text of the journal that a packing in progress leaves beside its file.
std::string journal(const fs::path& file) {
  std::ifstream in(fs::path(file.string() + ".partial") / "journal");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_F(PackProgramTest, goes_on_after_a_kill_to_the_same_file) {
  fill(500);
  ASSERT_EQ(call("--size 128").code, 0);
  const auto whole = bytes_of(file_);
  fs::remove(file_);
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::execl(DTRAIN_BINARY,
            DTRAIN_BINARY,
            "pack",
            "--data-dir",
            folder_.path().c_str(),
            "--output",
            file_.c_str(),
            "--size",
            "128",
            nullptr);
    ::_exit(127);
  }
  while (journal(file_).find("piece") == std::string::npos) ::sched_yield();
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_FALSE(fs::exists(file_));
  const ShellResult result = call("--size 128");
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(mentions(result.output, {"Taken from an interrupted packing: "}));
  EXPECT_TRUE(bytes_of(file_) == whole);
  EXPECT_EQ(names_in(out_.path()), Names{"a.h5"});
}

}  // namespace
}  // namespace dtrain::cli
