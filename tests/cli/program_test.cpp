// The program as a user calls it: what it prints, and its exit codes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "cli/flags.h"
#include "run/run_config.h"
#include "util/version.h"

namespace dtrain::cli {
namespace {

struct Result {
  int code;
  std::string output;  // standard output and standard error
};

// Runs "dtrain <arguments>" through the shell.
Result dtrain(const std::string& arguments) {
  const std::string command = std::string(DTRAIN_BINARY) + " " + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  Result result{0, ""};
  std::array<char, 4096> chunk;
  while (size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
    result.output.append(chunk.data(), got);
  }
  const int status = ::pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    std::string name = (std::filesystem::temp_directory_path() / "dtrain_cli_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ProgramTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  std::filesystem::path folder_;
};

void expect_one_line_error(const Result& result, int code, const std::string& part) {
  EXPECT_EQ(result.code, code) << result.output;
  EXPECT_EQ(result.output.find("dtrain: error: "), 0u) << result.output;
  EXPECT_EQ(result.output.find('\n'), result.output.size() - 1) << result.output;
  EXPECT_NE(result.output.find(part), std::string::npos) << result.output;
}

TEST_F(ProgramTest, prints_its_version) {
  for (const char* words : {"--version", "version"}) {
    const Result result = dtrain(words);
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.output.find(std::string("dtrain ") + util::kVersion + " (LibTorch 2."), 0u)
        << result.output;
  }
}

TEST_F(ProgramTest, prints_help_with_every_field_grouped_by_section) {
  const Result result = dtrain("--help");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(dtrain("help").output, result.output);
  run::RunConfig defaults;
  const auto list = config::collect(defaults);
  size_t at = 0;
  for (const auto& section : list.sections()) {
    const size_t found = result.output.find("\n" + section.path + ": " + section.help + "\n");
    ASSERT_NE(found, std::string::npos) << section.path;
    EXPECT_GT(found, at);
    at = found;
  }
  for (const auto& field : list.all()) {
    EXPECT_NE(result.output.find(flags_of(field.path)[0]), std::string::npos) << field.path;
  }
  EXPECT_NE(dtrain("inspect --help").output.find("dtrain inspect config"), std::string::npos);
  EXPECT_NE(dtrain("train -h").output.find("dtrain train --config FILE"), std::string::npos);
}

TEST_F(ProgramTest, exits_with_64_on_a_wrong_command_line) {
  expect_one_line_error(dtrain(""), 64, "no command and no flags");
  expect_one_line_error(dtrain("trian"), 64, "unknown command trian (did you mean train?)");
  expect_one_line_error(dtrain("--epoch 3"), 64, "did you mean --epochs?");
  expect_one_line_error(dtrain("train stray --epochs 3"), 64, "stray argument \"stray\"");
  expect_one_line_error(dtrain("inspect"), 64, "nothing to inspect");
  expect_one_line_error(dtrain("inspect config a b"), 64, "unexpected \"b\"");
  expect_one_line_error(dtrain("help me"), 64, "unknown command me");
}

TEST_F(ProgramTest, exits_with_78_on_a_wrong_configuration_and_lists_all_of_it) {
  const std::string config = file("a.json", R"({"optimizer": {"lr": -1, "lr": 2}, "lodaer": {}})");
  for (const char* command : {"", "inspect config "}) {
    const Result result = dtrain(std::string(command) + "--config " + config + " --epochs 0");
    expect_one_line_error(result, 78, "4 problems");
    for (const char* part : {"duplicate key", "did you mean loader?", "run.epochs (command line"}) {
      EXPECT_NE(result.output.find(part), std::string::npos) << result.output;
    }
  }
  expect_one_line_error(dtrain("--config " + file("b.json", "{\n  oops}")), 78, "b.json:2:3");
}

TEST_F(ProgramTest, exits_with_74_when_the_config_file_cannot_be_read) {
  expect_one_line_error(dtrain("--config /nonexistent.json"), 74, "No such file or directory");
}

TEST_F(ProgramTest, exits_with_78_when_cuda_is_asked_for_without_a_GPU) {
  if (::access("/dev/nvidiactl", F_OK) == 0) GTEST_SKIP() << "this machine has a GPU";
  expect_one_line_error(dtrain("--device cuda"), 78, "--device cpu");
}

TEST_F(ProgramTest, inspects_a_configuration_with_the_origin_of_each_value) {
  const std::string config = file("a.json", "{\"optimizer\":\n{\"lr\": 0.5}}");
  const Result result = dtrain("inspect config " + config + " --momentum 0.7");
  EXPECT_EQ(result.code, 0);
  const auto has_line =
      [&](const std::string& path, const std::string& value, const std::string& origin) {
        std::istringstream in(result.output);
        for (std::string line; std::getline(in, line);) {
          std::istringstream words(line);
          std::string found_path, found_value, rest;
          words >> found_path >> found_value >> std::ws;
          std::getline(words, rest);
          if (found_path == path) return found_value == value && rest == origin;
        }
        return false;
      };
  EXPECT_TRUE(has_line("optimizer.lr", "0.5", config + ":2")) << result.output;
  EXPECT_TRUE(has_line("optimizer.momentum", "0.7", "command line --momentum")) << result.output;
  EXPECT_TRUE(has_line("optimizer.name", "sgd", "default")) << result.output;
  EXPECT_EQ(dtrain("inspect config --config " + config + " --momentum 0.7").output, result.output);
}

TEST_F(ProgramTest, says_what_is_wrong_with_a_checkpoint_it_shall_inspect) {
  expect_one_line_error(dtrain("inspect checkpoint " + (folder_ / "none").string()), 74, "none");
  expect_one_line_error(dtrain("inspect checkpoint"), 64, "no path");
}

TEST_F(ProgramTest, generates_the_committed_page_of_options) {
  const Result result = dtrain("inspect options --markdown");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(read_file(DTRAIN_SOURCE_DIR "/docs/configuration.md"), result.output)
      << "run: dtrain inspect options --markdown > docs/configuration.md";
}

}  // namespace
}  // namespace dtrain::cli
