// The program as a user calls it: what it prints, and its exit codes.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "checkpoint/checkpoint.h"
#include "cli/flags.h"
#include "settings/run_config.h"
#include "tests/cli/shell.h"
#include "tests/support/temp_folder.h"
#include "util/version.h"

namespace dtrain::cli {
namespace {

using dtrain::testing::ShellResult;

ShellResult call(const std::string& arguments) {
  return dtrain::testing::shell(DTRAIN_BINARY " " + arguments);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class ProgramTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  dtrain::testing::TempFolder folder_;
};

void expect_one_line_error(const ShellResult& result, int code, const std::string& part) {
  EXPECT_EQ(result.code, code) << result.output;
  EXPECT_EQ(result.output.find("dtrain: error: "), 0u) << result.output;
  EXPECT_EQ(result.output.find('\n'), result.output.size() - 1) << result.output;
  EXPECT_NE(result.output.find(part), std::string::npos) << result.output;
}

TEST_F(ProgramTest, prints_its_version) {
  for (const char* words : {"--version", "version"}) {
    const ShellResult result = call(words);
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.output.find(std::string("dtrain ") + util::kVersion + " (LibTorch 2."), 0u)
        << result.output;
    EXPECT_TRUE(std::regex_search(result.output, std::regex("build [0-9a-f]{40}")))
        << result.output;
  }
}

TEST_F(ProgramTest, prints_help_with_every_field_grouped_by_section) {
  const ShellResult result = call("--help");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(call("help").output, result.output);
  settings::RunConfig defaults;
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
  EXPECT_NE(call("inspect --help").output.find("dtrain inspect config"), std::string::npos);
  EXPECT_NE(call("train -h").output.find("dtrain train [DATA]"), std::string::npos);
}

TEST_F(ProgramTest, exits_with_64_on_a_wrong_command_line) {
  expect_one_line_error(call(""), 64, "no command and no flags");
  expect_one_line_error(call("trian"), 64, "unknown command trian (did you mean train?)");
  expect_one_line_error(call("--epoch 3"), 64, "did you mean --epochs?");
  expect_one_line_error(call("train stray --epochs 3"), 64, "stray argument \"stray\"");
  const std::string words = dtrain::testing::TempFolder().path().string() + " a.json b.json";
  expect_one_line_error(call("train " + words), 64, "there is no such folder");
  expect_one_line_error(call("--data-dir a " + folder_.path().string()), 64, "named already");
  expect_one_line_error(call("a.json b.json"), 64, "one config file is enough");
  expect_one_line_error(call("inspect"), 64, "nothing to inspect");
  expect_one_line_error(call("inspect config a b"), 64, "unexpected \"b\"");
  expect_one_line_error(call("help me"), 64, "unknown command me");
}

TEST_F(ProgramTest, exits_with_78_on_a_wrong_configuration_and_lists_all_of_it) {
  const std::string config = file("a.json", R"({"optimizer": {"lr": -2, "lr": 2}, "lodaer": {}})");
  for (const char* command : {"", "inspect config "}) {
    const ShellResult result = call(std::string(command) + "--config " + config + " --epochs 0");
    expect_one_line_error(result, 78, "4 problems");
    for (const char* part : {"duplicate key", "did you mean loader?", "run.epochs (command line"}) {
      EXPECT_NE(result.output.find(part), std::string::npos) << result.output;
    }
  }
  expect_one_line_error(call("--config " + file("b.json", "{\n  oops}")), 78, "b.json:2:3");
}

TEST_F(ProgramTest, exits_with_74_when_the_config_file_cannot_be_read) {
  expect_one_line_error(call("--config /nonexistent.json"), 74, "No such file or directory");
}

TEST_F(ProgramTest, exits_with_78_when_cuda_is_asked_for_without_a_GPU) {
  if (::access("/dev/nvidiactl", F_OK) == 0) GTEST_SKIP() << "this machine has a GPU";
  expect_one_line_error(call("--device cuda"), 78, "--device cpu");
}

TEST_F(ProgramTest, inspects_a_configuration_with_the_origin_of_each_value) {
  const std::string config = file("a.json", "{\"optimizer\":\n{\"lr\": 0.5}}");
  const ShellResult result = call("inspect config " + config + " --momentum 0.7");
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
  EXPECT_EQ(call("inspect config --config " + config + " --momentum 0.7").output, result.output);
}

TEST_F(ProgramTest, inspects_a_checkpoint) {
  checkpoint::CheckpointStore store(folder_ / "checkpoints", {});
  checkpoint::CheckpointData data;
  data.weights = {{"model", {{"fc.weight", at::ones({10, 3})}}}};
  data.state = {{"optimizer.momentum", at::zeros({2}, at::kDouble)}};
  data.position = {.step = 938, .epoch = 2, .batch = 0};
  data.meta = {{"ranks", 2}};
  checkpoint::save_checkpoint(store, data, /*is_best=*/false);
  const std::string path = (folder_ / "checkpoints" / "last").string();
  const ShellResult result = call("inspect checkpoint " + path);
  EXPECT_EQ(result.code, 0) << result.output;
  for (const char* part : {"checkpoints/step-00000938\n",
                           "938 steps done, epoch 2, batch 0",
                           "fc.weight  F32   [10, 3]",
                           "optimizer.momentum  F64   [2]",
                           "\"ranks\": 2"}) {
    EXPECT_NE(result.output.find(part), std::string::npos) << part << "\n" << result.output;
  }

  std::ofstream(path + "/model.safetensors", std::ios::in | std::ios::out).seekp(100) << 'x';
  expect_one_line_error(call("inspect checkpoint " + path), 74, "model.safetensors");
}

TEST_F(ProgramTest, says_what_is_wrong_with_a_checkpoint) {
  expect_one_line_error(call("inspect checkpoint " + (folder_ / "none").string()), 74, "none");
  expect_one_line_error(call("inspect checkpoint"), 64, "no path");
}

TEST_F(ProgramTest, lists_the_short_flags_in_the_documentation) {
  const std::string page = read_file(DTRAIN_SOURCE_DIR "/docs/cli.md");
  size_t rows = 0;
  for (const FlagRow& row : flag_rows()) {
    std::string cells = "|";
    for (const char* spelling : row.spellings) cells += " `" + std::string(spelling) + "`";
    const std::string expected = "\n" + cells + " | `" + row.path + "`";
    EXPECT_NE(page.find(expected), std::string::npos) << "docs/cli.md has no row " << expected;
    ++rows;
  }
  const size_t start = page.find("| flag | field |"), end = page.find("\n\n", start);
  EXPECT_EQ(
      std::count(
          page.begin() + static_cast<long>(start), page.begin() + static_cast<long>(end), '\n'),
      static_cast<long>(rows) + 1)
      << "docs/cli.md has a row too many";
}

TEST_F(ProgramTest, generates_the_committed_page_of_options) {
  const ShellResult result = call("inspect options --markdown");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(read_file(DTRAIN_SOURCE_DIR "/docs/configuration.md"), result.output)
      << "run: dtrain inspect options --markdown > docs/configuration.md";
}

}  // namespace
}  // namespace dtrain::cli
