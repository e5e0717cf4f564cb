// Signals that ask a training to end: the first is noted, Ctrl-C twice ends at once.
#include "util/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace dtrain::util {
namespace {

// In a process of its own, since what was noted stays.
void raise_and_tell(int first, int second, int third = 0) {
  watch_stop_signals();
  for (const int signal : {first, second, third}) {
    if (signal != 0) ::raise(signal);
  }
  ::_exit(stop_signal());
}

TEST(StopSignals, AreNotedAndDoNotEndTheProcess) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) {
    EXPECT_EXIT(raise_and_tell(signal, 0), ::testing::ExitedWithCode(signal), "");
  }
  EXPECT_EXIT(raise_and_tell(SIGTERM, SIGUSR1), ::testing::ExitedWithCode(SIGTERM), "");
  EXPECT_EXIT(raise_and_tell(SIGTERM, SIGINT), ::testing::ExitedWithCode(SIGTERM), "");
}

TEST(StopSignals, EndTheProcessWhenCtrlCComesTwice) {
  EXPECT_EXIT(raise_and_tell(SIGINT, SIGINT), ::testing::KilledBySignal(SIGINT), "");
  EXPECT_EXIT(raise_and_tell(SIGTERM, SIGINT, SIGINT), ::testing::KilledBySignal(SIGINT), "");
}

TEST(StopSignals, LeaveAloneWhatIsIgnored) {
  const auto in_the_background = [] {
    ::signal(SIGINT, SIG_IGN);
    raise_and_tell(SIGINT, SIGINT);
  };
  EXPECT_EXIT(in_the_background(), ::testing::ExitedWithCode(0), "");
}

TEST(StopSignals, HaveNames) {
  EXPECT_EQ(stop_signal(), 0);
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(0), "none");
}

}  // namespace
}  // namespace dtrain::util
