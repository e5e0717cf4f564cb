// Signals that ask a training to end: the first is noted, Ctrl-C twice ends at once.
#include "util/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace dtrain::util {
namespace {

// In a process of its own, since what was noted stays.
void raise_and_tell(int first, int second) {
  watch_stop_signals();
  ::raise(first);
  if (second != 0) ::raise(second);
  ::_exit(stop_signal());
}

TEST(StopSignals, AreNotedAndDoNotEndTheProcess) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    EXPECT_EXIT(raise_and_tell(signal, 0), ::testing::ExitedWithCode(signal), "");
  }
  EXPECT_EXIT(raise_and_tell(SIGTERM, SIGUSR1), ::testing::ExitedWithCode(SIGTERM), "");
  EXPECT_EXIT(raise_and_tell(SIGTERM, SIGINT), ::testing::ExitedWithCode(SIGTERM), "");
}

TEST(StopSignals, EndTheProcessWhenCtrlCComesTwice) {
  EXPECT_EXIT(raise_and_tell(SIGINT, SIGINT), ::testing::KilledBySignal(SIGINT), "");
}

TEST(StopSignals, HaveNames) {
  EXPECT_EQ(stop_signal(), 0);
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(0), "none");
}

}  // namespace
}  // namespace dtrain::util
