// The loss section of the configuration. Needs no torch.
#pragma once

#include "config/fields.h"

namespace dtrain::tasks {

struct LossConfig {
  double label_smoothing = 0.0;
};

template <class V>
void fields(V& v, LossConfig& c) {
  using namespace config;
  v("label_smoothing",
    c.label_smoothing,
    between(0.0, 1.0),
    kAhead,
    "Share of the target that is spread evenly over all classes. Training only.");
}

}  // namespace dtrain::tasks
