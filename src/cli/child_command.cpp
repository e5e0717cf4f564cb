#include "cli/child_command.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "util/check.h"

namespace dtrain::cli {
namespace {

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

// Becomes the command; what keeps it from that is written to `failure`.
[[noreturn]] void become(const std::vector<std::string>& command,
                         const sigset_t& mask,
                         int failure) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  const int reason = errno;
  (void)!::write(failure, &reason, sizeof reason);
  ::_exit(127);
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_child_command(const std::vector<std::string>& command) {
  const sigset_t awaited = awaited_signals();
  std::signal(SIGCHLD, SIG_DFL);  // ignored, as some parents leave it, it would never come
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &awaited, &before);
  int failure[2];
  const bool has_pipe = ::pipe2(failure, O_CLOEXEC) == 0;
  const pid_t child = has_pipe ? ::fork() : -1;
  if (child == 0) become(command, before, failure[1]);
  if (child < 0) throw io_error(command[0], std::strerror(errno), "try again");
  ::close(failure[1]);
  int reason = 0;
  if (::read(failure[0], &reason, sizeof reason) == sizeof reason) {
    throw Error(ExitCode::kMissing,
                command[0],
                reason == ENOENT ? "is not on the PATH" : std::strerror(reason),
                "install Open MPI: launch/setup.sh, or the Debian package openmpi-bin");
  }
  ::close(failure[0]);

  for (int interrupts = 0;;) {
    const int signal = ::sigwaitinfo(&awaited, nullptr);
    if (signal == SIGCHLD) {
      int status = 0;
      const pid_t ended = ::waitpid(child, &status, WNOHANG);
      if (ended == child && (WIFEXITED(status) || WIFSIGNALED(status))) return exit_code_of(status);
    } else if (signal > 0) {
      interrupts += signal == SIGINT;
      ::kill(child, interrupts > 1 ? SIGTERM : SIGUSR1);
    }
  }
}

}  // namespace dtrain::cli
