// How dtrain ends when something went wrong: one line, one exit code, all ranks.
#pragma once

#include <exception>
#include <string>

#include "dist/mpi_scope.h"
#include "util/check.h"

namespace dtrain::cli {

// Which of how many a process is, for the message.
struct Speaker {
  int rank = 0, size = 1;
  std::string host;
};

// dtrain: error: <what> (rank r of n, host h, epoch e, step s, sample p): <cause>; <what to try>
// Always one line: line ends and control characters inside become blanks.
std::string error_line(const Error& error, const Speaker& speaker);

// Any exception as an Error; what nobody expected becomes ExitCode::kGaveUp.
Error as_error(const std::exception_ptr& exception);

// Reports the exception on standard error and in the log files, and ends this process and, where
// there are other ranks, those too, with the exception's exit code. `mpi` is nullptr before MPI was
// started.
//
// A rank that fails because another one did (PeerFailed, or a lost connection) first waits for that
// rank's report to end the job: its own line would hide the cause. Only if nobody ends it does it
// speak up.
[[noreturn]] void fail(const std::exception_ptr& exception, const dist::MpiScope* mpi);

}  // namespace dtrain::cli
