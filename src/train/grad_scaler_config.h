// The grad_scaler section of the configuration. Needs no torch.
#pragma once

#include <cstdint>

#include "config/fields.h"

namespace dtrain::train {

struct GradScalerConfig {
  double init_scale = 65536;
  double growth_factor = 2.0;
  double backoff_factor = 0.5;
  int64_t growth_interval = 2000;
  double min_scale = 1.0 / 16384;
};

template <class V>
void fields(V& v, GradScalerConfig& c) {
  using namespace config;
  v("init_scale",
    c.init_scale,
    above(0.0),
    "float16: the loss is multiplied by this before the backward pass, to start with.");
  v("growth_factor",
    c.growth_factor,
    at_least(1.0),
    kAhead,
    "float16: factor on the scale after growth_interval updates without an overflow.");
  v("backoff_factor",
    c.backoff_factor,
    between(0.0001, 1.0),
    kAhead,
    "float16: factor on the scale after an overflow, whose update is skipped.");
  v("growth_interval",
    c.growth_interval,
    at_least(1),
    kAhead,
    "float16: updates without an overflow before the scale grows.");
  v("min_scale",
    c.min_scale,
    above(0.0),
    kAhead,
    "float16: the scale falls no further; 20 skipped updates in a row there end the run.");
}

}  // namespace dtrain::train
