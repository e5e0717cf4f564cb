// Gradients become their sum over all ranks while the backward pass is still going on.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dist/dist_config.h"
#include "dist/gradient_sync.h"
#include "dist/process_group.h"

namespace c10d {
class Reducer;
}  // namespace c10d

namespace dtrain::dist {

struct ReduceClock;

// c10d::Reducer over the parameters that require gradients when it is made; make a new one when
// that set changes. Parameters must be the same on all ranks (parameter_sync.h), and each must take
// part in every synchronised backward pass. Gradients are views into the buckets.
//
// With one rank the path is the same. The result does not depend on when the reducer was made: a
// resumed run reduces as the run it continues (Note [Buckets that stay]).
class GradientReducer : public GradientSync {
 public:
  GradientReducer(const torch::nn::Module& model,
                  const ProcessGroup& group,
                  const DistConfig& config);
  GradientReducer(std::vector<at::Tensor> parameters,
                  std::vector<std::string> names,
                  const ProcessGroup& group,
                  const DistConfig& config);
  ~GradientReducer() override;

  void zero_grad() override;
  void prepare_forward() override;
  void backward(const at::Tensor& loss) override;

  int64_t num_buckets() const;
  int64_t buckets_started() const;  // whose reduction has begun, since this object was made

 private:
  std::vector<at::Tensor> parameters_;
  ProcessGroup group_;
  std::shared_ptr<ReduceClock> clock_;
  bool reduce_after_backward_ = false;  // Note [Static graph]
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace dtrain::dist
