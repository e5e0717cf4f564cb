// All members of an ensemble in one table, as far as their folders tell.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ensemble/ensemble_config.h"
#include "util/log.h"

namespace dtrain::ensemble {

enum class MemberState { kWaiting, kTraining, kFinished, kFailed };

// On rank 0. Prints to a log of its own, for the process's log is that of the member it trains.
class EnsembleProgress {
 public:
  // Starts a thread that looks at the members' summaries and prints the table when one has come
  // further, but not more often than every few seconds.
  EnsembleProgress(const EnsembleConfig& config, util::Log& log);
  ~EnsembleProgress();
  EnsembleProgress(const EnsembleProgress&) = delete;
  EnsembleProgress& operator=(const EnsembleProgress&) = delete;

  void set(size_t member, MemberState state, const std::string& note = "");
  // member, state, epoch, train loss, eval loss, eval top 1, note
  std::string table() const;

 private:
  void watch();

  const EnsembleConfig& config_;
  util::Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  struct Row {
    MemberState state = MemberState::kWaiting;
    std::string note;
  };
  std::vector<Row> rows_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace dtrain::ensemble
