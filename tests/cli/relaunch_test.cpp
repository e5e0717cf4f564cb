// --gpus and --ranks: what is taken from the command line, what is counted, what mpirun is given.
#include "cli/relaunch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::cli {
namespace {

std::string request_complaint(Words words) {
  try {
    take_rank_request(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.subject() + " " + error.cause();
  }
  return "none";
}

TEST(Relaunch, takes_its_flag_out_of_the_words_wherever_it_stands) {
  const Words rest = {"--lr", "0.1", "a b", "--", "--ranks", "x"};
  const std::vector<Words> spellings = {{"--ranks", "3"}, {"--ranks=3"}};
  for (size_t at = 0; at < 4; ++at) {
    for (const Words& spelling : spellings) {
      Words words = rest;
      words.insert(words.begin() + long(at), spelling.begin(), spelling.end());
      const auto request = take_rank_request(words);
      ASSERT_TRUE(request.has_value());
      EXPECT_EQ(request->count, 3);
      EXPECT_FALSE(request->on_gpus);
      EXPECT_EQ(words, rest);
    }
  }
  Words words = rest;
  EXPECT_FALSE(take_rank_request(words).has_value());
  EXPECT_EQ(words, rest);
}

TEST(Relaunch, takes_a_number_of_GPUs_or_all) {
  Words four = {"--gpus=4"}, all = {"--gpus", "all"};
  EXPECT_EQ(take_rank_request(four)->count, 4);
  const auto request = take_rank_request(all);
  EXPECT_TRUE(request->on_gpus);
  EXPECT_EQ(request->count, 0);
}

TEST(Relaunch, refuses_what_is_no_number_of_ranks) {
  for (const char* value :
       {"0", "-1", "two", "2x", "", " 2", "+2", "2.0", "1025", "99999999999999999999"}) {
    for (const char* flag : {"--gpus", "--ranks"}) {
      EXPECT_EQ(
          request_complaint({flag, value}).find(std::string(flag) + " takes a whole number from 1"),
          0u)
          << flag << " " << value;
    }
  }
  EXPECT_NE(request_complaint({"--ranks=all"}), "none");
  EXPECT_NE(request_complaint({"--ranks"}), "none");
  EXPECT_NE(request_complaint({"--ranks", "--", "2"}), "none");
  EXPECT_EQ(request_complaint({"--ranks", "2", "--gpus", "2"}), "--gpus stands beside --ranks");
  EXPECT_EQ(request_complaint({"--ranks", "2", "--ranks=2"}), "--ranks stands beside --ranks");
}

TEST(Relaunch, counts_GPUs_as_CUDA_reads_its_variable) {
  EXPECT_EQ(visible_gpus("0"), 1);
  EXPECT_EQ(visible_gpus("2,0,1"), 3);
  EXPECT_EQ(visible_gpus("GPU-8932f937,MIG-5c81"), 2);
  EXPECT_EQ(visible_gpus("0,1,-1,2"), 2);  // what follows an entry that is none does not count
  for (const char* none : {"", "-1", "NoDevFiles", ",0"}) EXPECT_EQ(visible_gpus(none), 0) << none;
}

TEST(Relaunch, counts_device_files_where_the_variable_is_not_set) {
  const dtrain::testing::TempFolder folder;
  EXPECT_EQ(visible_gpus(nullptr, folder / "none"), 0);
  for (const char* name : {"nvidia0", "nvidia11", "nvidiactl", "nvidia-uvm", "nvidia", "null"}) {
    std::ofstream(folder / name).put('x');
  }
  EXPECT_EQ(visible_gpus(nullptr, folder / "."), 2);
}

TEST(Relaunch, puts_the_device_where_a_later_flag_overrides_it) {
  const Command train{"train", "", "", true, nullptr};
  const Invocation invocation{.command = &train, .words = {"--device", "cpu"}};
  const Words command = mpirun_command("/a b/dtrain", invocation, {.on_gpus = true, .count = 2});
  const Words end = {"-np", "2", "/a b/dtrain", "train", "--device", "cuda", "--device", "cpu"};
  ASSERT_GT(command.size(), end.size());
  EXPECT_TRUE(std::equal(end.rbegin(), end.rend(), command.rbegin()));
}

TEST(Relaunch, refuses_a_word_at_which_mpirun_would_cut_the_command_line) {
  const Command train{"train", "", "", true, nullptr};
  const Invocation invocation{.command = &train, .words = {"--experiment", ":"}};
  EXPECT_THROW(mpirun_command("dtrain", invocation, {.count = 2}), Error);
}

}  // namespace
}  // namespace dtrain::cli
