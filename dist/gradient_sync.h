// What the trainer asks of a gradient reduction, whichever way it is done.
#pragma once

#include <ATen/core/Tensor.h>

namespace dtrain::dist {

// After backward() of the last micro-batch of an update, p.grad() of every parameter is the sum
// over all ranks (and micro-batches) of the gradients of the losses given, with the same bits on
// every rank. A sum and no mean: the trainer divides each loss by the samples of the whole update,
// which also covers batches of unequal size.
//
//   sync.zero_grad();
//   for (const auto& micro_batch : all_but_last) {
//     const auto guard = sync.no_sync();               // add up on this rank alone
//     sync.prepare_forward();
//     sync.backward(loss_of(micro_batch));
//   }
//   sync.prepare_forward();
//   sync.backward(loss_of(last));
//
// All ranks make the same calls. A peer that is lost meanwhile is Error(kRetry), like in the
// operations of ProcessGroup.
class GradientSync {
 public:
  virtual ~GradientSync() = default;

  // Before the first micro-batch of an update. (Optimizer::zero_grad() cannot detach views.)
  virtual void zero_grad() = 0;
  virtual void prepare_forward() = 0;
  virtual void backward(const at::Tensor& loss) = 0;

  // Seconds so far by which the communication of gradients made backward passes longer. On a GPU
  // they overlap unseen, and this is zero.
  double exposed_seconds() const { return exposed_seconds_; }

  // While the guard lives, backward passes only add to the local gradients.
  class NoSync {
   public:
    explicit NoSync(GradientSync& sync) : sync_(sync), before_(sync.is_synchronised_) {
      sync_.is_synchronised_ = false;
    }
    ~NoSync() { sync_.is_synchronised_ = before_; }
    NoSync(const NoSync&) = delete;
    NoSync& operator=(const NoSync&) = delete;

   private:
    GradientSync& sync_;
    bool before_;
  };
  [[nodiscard]] NoSync no_sync() { return NoSync(*this); }

 protected:
  bool is_synchronised_ = true;
  double exposed_seconds_ = 0.0;
};

}  // namespace dtrain::dist
