// Threads that serve the training thread without getting in its way.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace dtrain::util {

// Starts `body` on a thread of the given name (at most 15 characters, as top shows it) and nice
// value (0 normal, above 0 gives way to the compute threads; a system that refuses is no error).
// All signals are blocked on it, so that handlers always run on the threads that expect them.
// `body` must not throw.
std::thread start_background_thread(std::string name, int nice, std::function<void()> body);

}  // namespace dtrain::util
