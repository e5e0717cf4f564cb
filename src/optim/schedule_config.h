// The schedule section of the configuration: the learning rate over time. Needs no torch.
#pragma once

#include <cstdint>
#include <string>

#include "config/fields.h"

namespace dtrain::optim {

struct ScheduleConfig {
  std::string name = "cosine";
  double warmup_epochs = -1;
  double warmup_factor = 0.01;
  double min_lr = 0.0;
  int64_t cycles = 1;
  int64_t decay_epochs = 30;
  double decay_rate = 0.1;
};

template <class V>
void fields(V& v, ScheduleConfig& c) {
  using namespace config;
  v("name",
    c.name,
    one_of({"cosine", "step", "constant"}),
    kAhead,
    "Course of the learning rate after the warm-up, renewed at every step.");
  v("warmup_epochs",
    c.warmup_epochs,
    at_least(-1.0),
    kAhead,
    "Epochs of linear warm-up, or a part of one; -1: a tenth of the training, at most 5.");
  v("warmup_factor",
    c.warmup_factor,
    between(0.0, 1.0),
    kAhead,
    "Where the warm-up starts, as a share of the learning rate.");
  v("min_lr", c.min_lr, at_least(0.0), kAhead, "Learning rate that the decay ends at.");
  v("cycles",
    c.cycles,
    at_least(1),
    "cosine: so many decays of the same number of epochs, each from the full rate on (warm "
    "restarts; "
    "for snapshot ensembles).");
  v("decay_epochs", c.decay_epochs, at_least(1), kAhead, "step: epochs between two decays.");
  v("decay_rate", c.decay_rate, between(0.0, 1.0), kAhead, "step: factor of a decay.");
}

}  // namespace dtrain::optim
