// Gradients become their mean over all ranks while the backward pass is still going on.
//
//   GradientReducer reducer(model, group, config.dist);
//   reducer.zero_grad();
//   {
//     auto guard = reducer.no_sync();                  // all but the last micro-batch: add up here
//     reducer.backward(loss_of(micro_batch_0));
//   }
//   reducer.prepare_forward();
//   reducer.backward(loss_of(micro_batch_1));          // p.grad: mean over ranks, the same bits on
//   all
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dist/dist_config.h"
#include "dist/process_group.h"

namespace c10d {
class Reducer;
class CommHookInterface;
}  // namespace c10d

namespace dtrain::dist {

// c10d::Reducer over the parameters that require gradients when it is made; make a new one when
// that set changes. Parameters must be the same on all ranks (parameter_sync.h), and each must take
// part in every synchronised backward pass. Gradients are views into the buckets.
//
// All ranks make the same calls. With one rank the path is the same. The result does not depend on
// when the reducer was made: a resumed run reduces as the run it continues (Note [Buckets that
// stay]).
class GradientReducer {
 public:
  GradientReducer(const torch::nn::Module& model,
                  const ProcessGroup& group,
                  const DistConfig& config);
  GradientReducer(std::vector<at::Tensor> parameters,
                  std::vector<std::string> names,
                  const ProcessGroup& group,
                  const DistConfig& config);
  ~GradientReducer();

  void prepare_forward();

  // loss.backward() with the reduction; a peer that is lost meanwhile is Error(kRetry), like in the
  // operations of ProcessGroup.
  void backward(const at::Tensor& loss);

  // The first half of backward(), for those who call loss.backward() themselves.
  void prepare_backward(const at::Tensor& loss);

  // Before the first micro-batch of a step. (Optimizer::zero_grad() cannot detach bucket views.)
  void zero_grad();

  // While the guard lives, backward passes only add to the local gradients.
  class NoSync {
   public:
    explicit NoSync(GradientReducer& reducer) : reducer_(reducer), before_(reducer.sync_) {
      reducer_.sync_ = false;
    }
    ~NoSync() { reducer_.sync_ = before_; }
    NoSync(const NoSync&) = delete;
    NoSync& operator=(const NoSync&) = delete;

   private:
    GradientReducer& reducer_;
    bool before_;
  };
  [[nodiscard]] NoSync no_sync() { return NoSync(*this); }

  // Another way to reduce a bucket, e.g. compressed; once, before the first backward pass. The
  // hook's result must already be the mean.
  void set_hook(std::unique_ptr<c10d::CommHookInterface> hook);

  int64_t num_buckets() const;

 private:
  std::vector<at::Tensor> parameters_;
  ProcessGroup group_;
  bool sync_ = true;
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace dtrain::dist
