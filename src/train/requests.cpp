#include "train/requests.h"

#include <ATen/ATen.h>

#include "util/signals.h"

namespace dtrain::train {

Wish Requests::pending() const { return util::stop_signal() != 0 ? Wish::kPreempt : wish_; }

Wish agreed(Wish mine, const dist::ProcessGroup& control) {
  at::Tensor wish = at::full({}, static_cast<float>(mine), at::kFloat);
  control.all_reduce_max(wish);
  return static_cast<Wish>(static_cast<int>(wish.item<float>()));
}

}  // namespace dtrain::train
