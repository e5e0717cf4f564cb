// Named threads with a priority of their own and without signals.
#include "util/background_thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace dtrain::util {

std::thread start_background_thread(std::string name, int nice, std::function<void()> body) {
  // A new thread inherits the mask, so it never has a moment in which it would take a signal.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto restore = [&before] { pthread_sigmask(SIG_SETMASK, &before, nullptr); };
  try {
    std::thread thread([name = std::move(name), nice, body = std::move(body)] {
      pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
      // Linux keeps a nice value for each thread, addressed by its kernel id.
      if (nice != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), nice);
      body();
    });
    restore();
    return thread;
  } catch (...) {
    restore();
    throw;
  }
}

}  // namespace dtrain::util
