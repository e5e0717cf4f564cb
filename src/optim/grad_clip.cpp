// Limits the size of a step: gradient clipping by the global norm.
#include "optim/grad_clip.h"

#include <ATen/ATen.h>

namespace dtrain::optim {

double clip_grad_norm(const std::vector<at::Tensor>& params, double max_norm) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> grads;
  grads.reserve(params.size());
  for (const at::Tensor& param : params) {
    if (param.grad().defined()) {
      grads.push_back(param.grad());
    }
  }
  if (grads.empty()) {
    return 0.0;
  }
  const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(grads)));
  const double value = norm.item<double>();
  const double factor = max_norm / (value + 1e-6);
  // Written so that a NaN norm scales too, and the gradients show it.
  if (max_norm > 0 && !(factor >= 1.0)) {
    at::_foreach_mul_(grads, factor);
  }
  return value;
}

}  // namespace dtrain::optim
