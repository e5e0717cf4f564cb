// When checkpoints are written and how many are kept.
#pragma once

#include <cstdint>

#include "config/fields.h"

namespace dtrain::checkpoint {

struct CheckpointConfig {
  int64_t save_every_steps = 0;
  int64_t save_every_epochs = 1;
  int64_t keep_last = 2;
  bool keep_best = true;
  int64_t keep_every_epochs = 0;
  bool check_finite = true;
};

template <class V>
void fields(V& v, CheckpointConfig& c) {
  using namespace config;
  v("save_every_steps",
    c.save_every_steps,
    at_least(0),
    "Save every N steps too, within epochs; 0 does not.");
  v("save_every_epochs",
    c.save_every_epochs,
    at_least(0),
    "Save at the end of every N epochs, besides before evaluations; 0 does not.");
  v("keep_last",
    c.keep_last,
    at_least(1),
    "Keep this many of the newest checkpoints; two survive damage to one of them.");
  v("keep_best",
    c.keep_best,
    "Keep the checkpoint with the best evaluation too, as checkpoints/best.");
  v("keep_every_epochs",
    c.keep_every_epochs,
    at_least(0),
    "Keep the checkpoint at the end of every this many epochs for ever; 0: none.");
  v("check_finite",
    c.check_finite,
    "Refuse to save NaN or infinity, so that `last` and `best` can be used.");
}

}  // namespace dtrain::checkpoint
