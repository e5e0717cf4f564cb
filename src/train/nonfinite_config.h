// The nonfinite section of the configuration. Needs no torch.
#pragma once

#include <cstdint>
#include <string>

#include "config/fields.h"

namespace dtrain::train {

struct NonFiniteConfig {
  std::string policy = "stop";
  int64_t max_skips = 3;
};

template <class V>
void fields(V& v, NonFiniteConfig& c) {
  using namespace config;
  v("policy",
    c.policy,
    one_of({"stop", "skip", "rollback"}),
    kFree,
    "When a loss or gradient is NaN or infinite on any rank, no rank changes its weights, and "
    "stop: "
    "the run ends; skip: it goes on with the next batch; rollback: it goes back to the last "
    "checkpoint and leaves this update out the second time.");
  v("max_skips",
    c.max_skips,
    at_least(1),
    kFree,
    "skip, rollback: updates in a row that may fail; one more ends the run.");
}

}  // namespace dtrain::train
