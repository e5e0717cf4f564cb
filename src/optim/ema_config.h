// The ema section of the configuration. Needs no torch.
#pragma once

#include "config/fields.h"

namespace dtrain::optim {

struct EmaConfig {
  bool enabled = false;
  double decay = 0.999;
  bool warmup = true;
};

template <class V>
void fields(V& v, EmaConfig& c) {
  using namespace config;
  v("enabled",
    c.enabled,
    "Keep a moving average of the weights; it is what is evaluated, and saved beside them.");
  v("decay",
    c.decay,
    between(0.0, 1.0),
    kAhead,
    "Share of the average that stays at each update; the rest is that of the new weights.");
  v("warmup",
    c.warmup,
    "Raise the decay: min(decay, (1 + t) / (10 + t)) at update t, so that a short training is "
    "averaged over its end.");
}

}  // namespace dtrain::optim
