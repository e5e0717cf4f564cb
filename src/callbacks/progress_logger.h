// The lines a person watches: progress of the epoch, evaluation, best so far.
#pragma once

#include <string>

#include "train/callback.h"
#include "util/timer.h"

namespace dtrain::callbacks {

// Train: 3 [  50/1251 (  4%)]  Loss: 2.31 (2.45)  Time: 0.312s, 3282/s (0.318s, 3220/s)
// LR: 1.000e-03 Data: 0.011  Comm: 0.004  ETA: 0:12:01 First value: since the last line; in
// brackets: mean of the epoch. Rates count the images of all ranks.
std::string train_line(const train::TrainState& state);

// Eval: 3  Loss: 0.231  Acc@1: 94.123  Acc@5: 99.8
std::string eval_line(const train::TrainState& state);

// Writes through util::log, which knows rank, terminal and file.
class ProgressLogger : public train::Callback {
 public:
  void on_step_end(const train::TrainState& state, train::Requests&) override;
  void on_validation_end(const train::TrainState& state, train::Requests&) override;
};

}  // namespace dtrain::callbacks
