// A command that works in place of this process, and is asked to save when this one is asked to
// end.
#pragma once

#include <string>
#include <vector>

namespace dtrain::cli {

// Runs the command (found on the PATH) to its end and returns its exit code, 128 and more for a
// signal. SIGTERM, SIGINT, SIGUSR1 and SIGHUP reach it as SIGUSR1: mpirun passes that one on to the
// ranks, which save and end, while a SIGTERM would have it kill them a second later. The second
// SIGINT ends it at once. It is in a process group of its own, so that the terminal's Ctrl-C comes
// here alone, and does not outlive this process. Before any thread is started. Throws
// Error(kMissing) where there is no such command.
int run_child_command(const std::vector<std::string>& command);

}  // namespace dtrain::cli
