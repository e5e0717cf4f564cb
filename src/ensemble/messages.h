// What the ranks of an ensemble tell each other, as JSON: a cause may hold any text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "util/check.h"

namespace dtrain::ensemble {

// How a member ended on one rank.
struct Outcome {
  std::optional<Error> failure = {};  // none: well
  bool is_own = false;                // and not what another rank's failure looks like from here
};

// What a group says to rank 0: it is free, and what became of the member it had.
struct GroupReport {
  int64_t group = 0;
  std::optional<int64_t> member = {};  // none: it had none yet
  std::optional<Error> failure = {};   // none: the member is finished, or was stopped
  bool was_stopped = false;            // by a signal; what it had trained is saved
};

// Bytes that are not UTF-8 arrive as U+FFFD, and an error's places as part of its subject; all else
// arrives as it was sent.
std::string outcome_message(const Outcome& outcome);
std::string report_message(const GroupReport& report);
// Rank 0's answer: the member to train next; none: there is no more to do.
std::string answer_message(std::optional<int64_t> member);

// Read them. Error(kGaveUp) for a text that is no such message.
Outcome read_outcome(const std::string& message);
GroupReport read_report(const std::string& message);
std::optional<int64_t> read_answer(const std::string& message);

}  // namespace dtrain::ensemble
