// How several ranks end together: one line that names the rank and the cause, one exit code, in
// time.
#include <gtest/gtest.h>

#include <string>

#include "tests/cli/shell.h"
#include "util/timer.h"

namespace dtrain::cli {
namespace {

using dtrain::testing::shell;
using dtrain::testing::ShellResult;

const std::string kMpirun = DTRAIN_SOURCE_DIR "/tests/support/mpirun.sh ";

void expect_one_report(const ShellResult& result, int code, const std::string& line) {
  EXPECT_EQ(result.code, code) << result.output;
  const auto reports = result.lines_with("dtrain: error: ");
  ASSERT_EQ(reports.size(), 1u) << result.output;
  EXPECT_NE(reports[0].find(line), std::string::npos) << reports[0];
}

TEST(Ranks, report_a_wrong_command_line_once) {
  expect_one_report(shell(kMpirun + "3 " DTRAIN_BINARY " --epoch 3"), 64, "(rank 0 of 3, host ");
}

TEST(Ranks, report_a_wrong_configuration_once) {
  expect_one_report(shell(kMpirun + "2 " DTRAIN_BINARY " --epochs 0"), 78, "(rank 0 of 2, host ");
}

TEST(Ranks, refuse_configurations_that_differ_between_ranks) {
  // Each rank takes its own number as the seed, as if their hosts had different files.
  const std::string command =
      kMpirun + "2 sh -c '" DTRAIN_BINARY " --device cpu --seed $OMPI_COMM_WORLD_RANK'";
  expect_one_report(shell(command), 78, "run.seed (rank 1 of 2, host ");
}

TEST(Ranks, let_the_one_that_knows_the_cause_report_it) {
  for (const char* way : {"peer", "lost"}) {
    expect_one_report(
        shell(kMpirun + "2 " DTRAIN_FAIL_PROGRAM " " + way), 65, "labels.gz (rank 0 of 2, host ");
  }
}

TEST(Ranks, report_a_lost_peer_when_nobody_else_does_and_are_gone_within_ten_seconds) {
  const util::Timer timer;
  expect_one_report(
      shell(kMpirun + "2 " DTRAIN_FAIL_PROGRAM " alone"), 75, "rank 0 (rank 1 of 2, host ");
  EXPECT_LT(timer.seconds(), 10.0);
}

}  // namespace
}  // namespace dtrain::cli
