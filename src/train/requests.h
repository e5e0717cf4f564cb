// What callbacks and the system ask of a training, and how the ranks come to agree on it.
#pragma once

#include <algorithm>
#include <string>

#include "dist/process_group.h"

namespace dtrain::train {

// In order of weight: of the wishes of all ranks the weightiest is granted.
enum class Wish : int {
  kNothing = 0,
  kSave,     // a checkpoint of this step
  kStop,     // the training is done
  kPreempt,  // save, end, and say that starting again goes on: exit code 75
};

// A rank may ask on its own, as one that alone gets a signal does. What is asked is granted on all
// ranks at the same step: with the message that the ranks exchange in the next update, or where an
// epoch, an evaluation or the training begins or ends.
class Requests {
 public:
  void save() { ask(Wish::kSave); }
  void stop() { ask(Wish::kStop); }
  void preempt() { ask(Wish::kPreempt); }

  // This rank's wish that was not granted yet; a signal to end counts (util/signals.h).
  Wish pending() const;
  // The ranks have agreed on `granted`, which is at least this rank's wish.
  void settle() { wish_ = Wish::kNothing; }

 private:
  void ask(Wish wish) { wish_ = std::max(wish_, wish); }

  Wish wish_ = Wish::kNothing;
};

// The weightiest of all ranks' wishes, the same on every rank. Collective.
Wish agreed(Wish mine, const dist::ProcessGroup& control);

}  // namespace dtrain::train
