// Errors as dtrain reports them: what went wrong, why, what to try, and the exit code.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dtrain {

// Exit codes of every command, the same on every rank (docs/cli.md has the table). All are below
// 126, which shells and mpirun keep for themselves.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 64,     // the command line
  kData = 65,      // the data set, a sample, or training that diverged
  kMissing = 69,   // a program that dtrain starts, or libraries it loads, are not there
  kGaveUp = 70,    // a defect: an exception nobody expected
  kIo = 74,        // a file that cannot be read or written, a full disk
  kRetry = 75,     // preempted, a peer was lost: starting again helps
  kDiverged = 76,  // replicas differ
  kUnsafe = 77,    // refused as unsafe
  kConfig = 78,    // a setting, or settings that do not fit together
};

// The one exception type that carries an exit code. `what` names the thing that failed (file, key
// path, sample), `cause` the reason, `advice` what to try; main() adds rank and host and prints one
// line:
//   dtrain: error: <what> (rank r of n, host h): <cause>; <advice>
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, std::string what, std::string cause, std::string advice)
      : std::runtime_error(what + ": " + cause + (advice.empty() ? "" : "; " + advice)),
        code_(code),
        subject_(std::move(what)),
        cause_(std::move(cause)),
        advice_(std::move(advice)) {}

  ExitCode code() const { return code_; }
  const std::string& subject() const { return subject_; }
  const std::string& cause() const { return cause_; }
  const std::string& advice() const { return advice_; }

  // Where it happened, from the inside out as the error passes: add_place("sample 17") by the
  // loader, add_place("epoch 3") by the trainer. main() prints the places behind rank and host.
  void add_place(std::string place) { places_.push_back(std::move(place)); }
  const std::vector<std::string>& places() const { return places_; }

 private:
  ExitCode code_;
  std::string subject_, cause_, advice_;
  std::vector<std::string> places_;
};

inline Error usage_error(std::string what, std::string cause, std::string advice) {
  return {ExitCode::kUsage, std::move(what), std::move(cause), std::move(advice)};
}
inline Error data_error(std::string what, std::string cause, std::string advice) {
  return {ExitCode::kData, std::move(what), std::move(cause), std::move(advice)};
}
inline Error io_error(std::string what, std::string cause, std::string advice) {
  return {ExitCode::kIo, std::move(what), std::move(cause), std::move(advice)};
}
inline Error config_error(std::string what, std::string cause, std::string advice) {
  return {ExitCode::kConfig, std::move(what), std::move(cause), std::move(advice)};
}

// A defect of dtrain itself, not of its input: `check(ok, "bucket order is stable")`.
inline void check(bool ok, const char* expectation) {
  if (!ok) {
    throw Error(ExitCode::kGaveUp,
                "internal check",
                std::string("expected: ") + expectation,
                "please report this with the log");
  }
}

}  // namespace dtrain
