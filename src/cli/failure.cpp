// The last lines of a process that failed.
#include "cli/failure.h"

#include <c10/util/Exception.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <cstdio>
#include <new>
#include <thread>

#include "dist/launcher.h"
#include "util/log.h"
#include "util/utf8.h"

namespace dtrain::cli {
namespace {

// Enough for a peer to report and for mpirun to end this process; with mpirun's own grace of a few
// seconds still within the 10 s in which all ranks are gone.
constexpr std::chrono::seconds kWaitForPeer(3);

constexpr std::chrono::milliseconds kWaitForRankZero(500);

std::string one_line(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 32 || byte == 127) c = ' ';
  }
  return text;
}

// c10's messages carry a C++ stack behind the first line, and sometimes more than one sentence.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Error unexpected(const std::string& cause) {
  return Error(ExitCode::kGaveUp, "unexpected failure", cause, "please report this with the log");
}

Error out_of_memory(const std::string& where, const std::string& advice) {
  return Error(ExitCode::kGaveUp, "memory", where + " has none left", advice);
}

Error out_of_host_memory() {
  return out_of_memory("the machine", "use a smaller --batch-size or fewer ranks per host");
}

// The allocator of the CPU and oneDNN have no type of their own for it.
bool speaks_of_memory(const std::string& message) {
  for (const char* sign : {"can't allocate memory", "not enough memory", "out of memory"}) {
    if (message.find(sign) != std::string::npos) return true;
  }
  return false;
}

// Before MPI has started, the launcher's variables tell the ranks apart.
Speaker speaker_of(const dist::MpiScope* mpi) {
  if (mpi != nullptr) return {mpi->rank(), mpi->size(), mpi->host()};
  const dist::Launch launch = dist::read_launch();
  std::array<char, HOST_NAME_MAX + 1> host{};
  return {static_cast<int>(launch.rank),
          static_cast<int>(launch.processes),
          ::gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "localhost"};
}

void wait_for_the_end() { std::this_thread::sleep_for(kWaitForPeer); }

// The rank that failed, when that was another one and it reports; else -1.
int64_t reporting_peer(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const dist::PeerFailed& failure) {
    return failure.rank();
  } catch (...) {
    return -1;
  }
}

}  // namespace

std::string error_line(const Error& error, const Speaker& speaker) {
  std::string where = "rank " + std::to_string(speaker.rank) + " of " +
                      std::to_string(speaker.size) + ", host " + speaker.host;
  for (const std::string& place : error.places()) where += ", " + place;
  std::string line = "dtrain: error: " + error.subject() + " (" + where + "): " + error.cause();
  if (!error.advice().empty()) line += "; " + error.advice();
  return util::printable(one_line(line));
}

Error as_error(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return out_of_host_memory();
  } catch (const c10::OutOfMemoryError&) {
    return out_of_memory(
        "the GPU", "use a smaller --batch-size, with --grad-accum-steps for the same global batch");
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    return speaks_of_memory(message) ? out_of_host_memory() : unexpected(first_line(message));
  } catch (const std::exception& error) {
    return speaks_of_memory(error.what()) ? out_of_host_memory()
                                          : unexpected(first_line(error.what()));
  } catch (...) {
    return unexpected("an exception of unknown type");
  }
}

void fail(const std::exception_ptr& exception, const dist::MpiScope* mpi) {
  const Error error = as_error(exception);
  const Speaker speaker = speaker_of(mpi);
  const std::string line = error_line(error, speaker);
  const int code = static_cast<int>(error.code());
  const int64_t peer = reporting_peer(exception);
  // To the files at once, so that the log of every rank says how it ended; and the screen's
  // progress line is left alone from here on.
  util::log().set_terminal(nullptr);
  util::log().error(peer < 0 ? line
                             : "ended by the failure of rank " + std::to_string(peer) + ": " +
                                   one_line(error.what()));
  const bool has_peers = mpi != nullptr && mpi->size() > 1;
  // What stops a rank before MPI has started (a wrong command) stops all of them: rank 0 speaks.
  const bool rank_0_speaks = mpi == nullptr && speaker.rank > 0;
  if (rank_0_speaks || (has_peers && (peer >= 0 || error.code() == ExitCode::kRetry))) {
    wait_for_the_end();
  }
  if (peer < 0) {
    std::fflush(stdout);
    std::fputs((line + "\n").c_str(), stderr);
    std::fflush(stderr);
  }
  dist::MpiScope::abort(code);
}

}  // namespace dtrain::cli
