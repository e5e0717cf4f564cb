#include "util/signals.h"

#include <atomic>
#include <csignal>

namespace dtrain::util {
namespace {

std::atomic<int> g_noted = 0, g_interrupts = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch it");

extern "C" void note_stop_signal(int signal) {
  int none = 0;
  g_noted.compare_exchange_strong(none, signal);
  if (signal != SIGINT || g_interrupts.fetch_add(1) == 0) return;
  std::signal(SIGINT, SIG_DFL);
  std::raise(SIGINT);
}

}  // namespace

void watch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = &note_stop_signal;
  action.sa_flags = SA_RESTART;  // reading data goes on
  sigemptyset(&action.sa_mask);
  sigset_t watched;  // blocked by whoever started this process, they would never come
  sigemptyset(&watched);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) {
    sigaddset(&watched, signal);
    struct sigaction before = {};
    // Ignored by whoever started this process: a script's background command, nohup.
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(signal, &action, nullptr);
  }
  ::pthread_sigmask(SIG_UNBLOCK, &watched, nullptr);
}

int stop_signal() { return g_noted.load(); }

std::string signal_name(int signal) {
  switch (signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGUSR1:
      return "SIGUSR1";
    case SIGHUP:
      return "SIGHUP";
    default:
      return signal == 0 ? "none" : "signal " + std::to_string(signal);
  }
}

}  // namespace dtrain::util
