// The two autograd functions behind BatchNorm2d, and the statistics over ranks they share.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <optional>

#include "dist/process_group.h"

namespace dtrain::nn::detail {

// What a batch norm is called with. The running statistics are read in evaluation and moved in
// training; `group` has more than one rank if it is set.
struct BatchNormCall {
  at::Tensor running_mean, running_var;
  bool training = false;
  bool relu = false;
  double momentum = 0.1;
  double eps = 1e-5;
  std::optional<dist::ProcessGroup> group;
};

// The group in a form that an autograd context can keep: saved_data["group"] = hold(group), and
// back.
c10::IValue hold(const std::optional<dist::ProcessGroup>& group);
std::optional<dist::ProcessGroup> held(const c10::IValue& value);

// Own kernels: channels-last on the CPU, bfloat16, float or double.
bool has_fused_batch_norm(const at::Tensor& x,
                          const at::Tensor& weight,
                          const at::Tensor& residual);
at::Tensor fused_batch_norm(const at::Tensor& x,
                            const at::Tensor& weight,
                            const at::Tensor& bias,
                            const at::Tensor& residual,
                            const BatchNormCall& call);

// ATen operators: any device, dtype and memory format.
at::Tensor generic_batch_norm(const at::Tensor& x,
                              const at::Tensor& weight,
                              const at::Tensor& bias,
                              const at::Tensor& residual,
                              const BatchNormCall& call);

// Throws Error(kData) unless a variance can be taken over this many values.
void check_count(double count);

}  // namespace dtrain::nn::detail
