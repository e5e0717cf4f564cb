// Ranks that die or hang while the others wait for them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

extern char** environ;

namespace dtrain::testing {
namespace {

constexpr int kRetry = 75;
constexpr int kLarge = 100'000;  // values that Gloo carries
constexpr int kSmall = 258;      // values that go through shared memory

struct Ended {
  std::vector<int> statuses;  // as waitpid() gives them
  std::string output;         // of all ranks
};

// As many rank_process, one of which fails.
Ended run_ranks(int ranks,
                int failing,
                const std::string& how,
                int values = kLarge,
                bool in_background = false) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("dtrain_lost_peer_" + std::to_string(getpid()) + how +
                       std::to_string(failing) + "_" + std::to_string(values));
  std::filesystem::create_directory(folder);
  const std::string output = folder / "output", store = folder / "store";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(
      &actions, STDOUT_FILENO, output.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  std::vector<pid_t> pids;
  for (int rank = 0; rank < ranks; ++rank) {
    std::vector<std::string> words = {RANK_PROCESS,
                                      store,
                                      std::to_string(rank),
                                      std::to_string(ranks),
                                      std::to_string(failing),
                                      how,
                                      std::to_string(values)};
    if (in_background) words.push_back("background");
    std::vector<char*> args;
    for (std::string& word : words) args.push_back(word.data());
    args.push_back(nullptr);
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, RANK_PROCESS, &actions, nullptr, args.data(), environ), 0);
    pids.push_back(pid);
  }
  posix_spawn_file_actions_destroy(&actions);
  Ended ended;
  ended.statuses.resize(size_t(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    if (rank != failing) waitpid(pids[size_t(rank)], &ended.statuses[size_t(rank)], 0);
  }
  kill(pids[size_t(failing)], SIGKILL);  // where it is only stopped
  waitpid(pids[size_t(failing)], &ended.statuses[size_t(failing)], 0);
  std::ostringstream text;
  text << std::ifstream(output).rdbuf();
  ended.output = text.str();
  std::filesystem::remove_all(folder);
  return ended;
}

void expect_one_report(const Ended& ended, int failing, const std::string& report) {
  for (size_t rank = 0; rank < ended.statuses.size(); ++rank) {
    if (int(rank) == failing) continue;
    const int status = ended.statuses[rank];
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kRetry) << rank << ": " << status;
  }
  EXPECT_TRUE(ended.output.starts_with(report)) << ended.output;
  EXPECT_EQ(std::count(ended.output.begin(), ended.output.end(), '\n'), 1) << ended.output;
}

TEST(LostPeer, KilledRankIsNamedInOneLineAlsoByThoseThatWaitForOthers) {
  expect_one_report(run_ranks(5, 2, "kill"), 2, "all-reduce: the connection to rank 2 was lost");
}

TEST(LostPeer, KilledFirstRankIsReportedByTheNext) {
  expect_one_report(run_ranks(3, 0, "kill"), 0, "all-reduce: the connection to rank 0 was lost");
}

TEST(LostPeer, StoppedRankIsNamedAfterTheTimeoutInOneLine) {
  expect_one_report(run_ranks(3, 1, "stop"), 1, "all-reduce: rank 1 did not take part within 2 s");
}

TEST(LostPeer, RankKilledBetweenSmallMessagesIsNamedInOneLine) {
  expect_one_report(
      run_ranks(5, 2, "kill", kSmall), 2, "all-reduce: the connection to rank 2 was lost");
}

TEST(LostPeer, FirstRankKilledBetweenSmallMessagesIsReportedByTheNext) {
  expect_one_report(
      run_ranks(3, 0, "kill", kSmall), 0, "all-reduce: the connection to rank 0 was lost");
}

TEST(LostPeer, RankStoppedBetweenSmallMessagesIsNamedAfterTheTimeoutInOneLine) {
  expect_one_report(
      run_ranks(3, 1, "stop", kSmall), 1, "all-reduce: rank 1 did not take part within 2 s");
}

TEST(LostPeer, RankKilledWhileGradientsAreAddedUpInMemoryIsNamedInOneLine) {
  expect_one_report(run_ranks(4, 2, "kill", kLarge, true),
                    2,
                    "gradient all-reduce: the connection to rank 2 was lost");
}

TEST(LostPeer, RankStoppedWhileGradientsAreAddedUpInMemoryIsNamedAfterTheTimeoutInOneLine) {
  expect_one_report(run_ranks(3, 1, "stop", kLarge, true),
                    1,
                    "gradient all-reduce: rank 1 did not take part within 2 s");
}

}  // namespace
}  // namespace dtrain::testing
