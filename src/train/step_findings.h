// What the ranks tell each other once in every update.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dist/process_group.h"
#include "train/requests.h"

namespace dtrain::train {

struct Finding {
  bool gradients_are_finite = true;
  bool losses_are_finite = true;
  Wish wish = Wish::kNothing;
};

// The findings of all ranks, the same on every rank.
class StepFindings {
 public:
  // Collective.
  StepFindings(const Finding& mine, const dist::ProcessGroup& control);

  int64_t bad_gradients() const { return count(kGradients); }  // ranks that found some
  int64_t bad_losses() const { return count(kLosses); }
  int64_t first_bad_gradients() const { return first(kGradients); }  // rank, or -1
  int64_t first_bad_loss() const { return first(kLosses); }
  Wish wish() const;  // the weightiest

 private:
  enum Column { kGradients, kLosses, kWish, kColumns };
  int64_t count(Column column) const;
  int64_t first(Column column) const;

  at::Tensor table_;  // (ranks, kColumns) float on the CPU; of the first two 1 is bad
};

}  // namespace dtrain::train
