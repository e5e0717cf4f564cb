#include "train/step_findings.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace dtrain::train {

StepFindings::StepFindings(const Finding& mine, const dist::ProcessGroup& control)
    : table_(at::stack(control.all_gather(at::tensor({mine.gradients_are_finite ? 0.0F : 1.0F,
                                                      mine.losses_are_finite ? 0.0F : 1.0F,
                                                      static_cast<float>(mine.wish)})))) {}

int64_t StepFindings::count(Column column) const {
  const auto* cells = table_.const_data_ptr<float>();
  int64_t bad = 0;
  for (int64_t rank = 0; rank < table_.size(0); ++rank) bad += cells[rank * kColumns + column] != 0;
  return bad;
}

int64_t StepFindings::first(Column column) const {
  const auto* cells = table_.const_data_ptr<float>();
  for (int64_t rank = 0; rank < table_.size(0); ++rank) {
    if (cells[rank * kColumns + column] != 0) return rank;
  }
  return -1;
}

Wish StepFindings::wish() const {
  const auto* cells = table_.const_data_ptr<float>();
  float most = 0;
  for (int64_t rank = 0; rank < table_.size(0); ++rank) {
    most = std::max(most, cells[rank * kColumns + kWish]);
  }
  return static_cast<Wish>(static_cast<int>(most));
}

}  // namespace dtrain::train
