// A failure that another rank reports.
#pragma once

#include <cstdint>

#include "util/check.h"

namespace dtrain::dist {

// Another rank has failed and reports it. This rank leaves with the same exit code and prints
// nothing, so that one failure makes one line.
class PeerFailed : public Error {
 public:
  PeerFailed(int64_t rank, const Error& error) : Error(error), rank_(rank) {}
  int64_t rank() const { return rank_; }  // the rank that reports

 private:
  int64_t rank_;
};

}  // namespace dtrain::dist
