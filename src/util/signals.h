// Signals that ask a training to end.
#pragma once

#include <string>

namespace dtrain::util {

// From now on SIGTERM, SIGINT, SIGUSR1 and SIGHUP (the terminal is closed) no longer end the
// process, unless they are ignored anyway: the first of them is noted, for stop_signal(). The
// second SIGINT ends it at once, as Ctrl-C twice should. Threads that start_background_thread()
// made never run the handler.
void watch_stop_signals();

// The signal that was noted, or 0. The same until the process ends.
int stop_signal();

// "SIGTERM"; "none" for 0.
std::string signal_name(int signal);

}  // namespace dtrain::util
