#include "dist/one_rank_backend.h"

#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

namespace dtrain::dist::detail {
namespace {

using Tensors = std::vector<at::Tensor>;
using WorkPtr = c10::intrusive_ptr<c10d::Work>;

// Done when it is made.
class DoneWork final : public c10d::Work {
 public:
  explicit DoneWork(Tensors results) : c10d::Work(0), results_(std::move(results)) { finish(); }
  Tensors result() override { return results_; }
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override {
    auto future =
        c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()));
    future->markCompleted(c10::IValue(results_));
    return future;
  }

 private:
  Tensors results_;
};

WorkPtr done(Tensors results = {}) { return c10::make_intrusive<DoneWork>(std::move(results)); }

class OneRankBackend final : public c10d::Backend {
 public:
  OneRankBackend() : c10d::Backend(0, 1) {}
  const std::string getBackendName() const override { return "one rank"; }

  WorkPtr broadcast(Tensors& tensors, const c10d::BroadcastOptions&) override {
    return done(tensors);
  }
  WorkPtr allreduce(Tensors& tensors, const c10d::AllreduceOptions&) override {
    return done(tensors);
  }
  WorkPtr allreduce_coalesced(Tensors& tensors, const c10d::AllreduceCoalescedOptions&) override {
    return done(tensors);
  }
  WorkPtr allgather(std::vector<Tensors>& outputs,
                    Tensors& inputs,
                    const c10d::AllgatherOptions&) override {
    for (size_t i = 0; i < inputs.size(); ++i) outputs[i][0].copy_(inputs[i]);
    return done(outputs[0]);
  }
  WorkPtr _allgather_base(at::Tensor& output,
                          at::Tensor& input,
                          const c10d::AllgatherOptions&) override {
    output.view(input.sizes()).copy_(input);
    return done({output});
  }
  WorkPtr alltoall_base(at::Tensor& output,
                        at::Tensor& input,
                        std::vector<int64_t>&,
                        std::vector<int64_t>&,
                        const c10d::AllToAllOptions&) override {
    output.copy_(input);
    return done({output});
  }
  WorkPtr barrier(const c10d::BarrierOptions&) override { return done(); }
};

}  // namespace

c10::intrusive_ptr<c10d::Backend> make_one_rank_backend() {
  return c10::make_intrusive<OneRankBackend>();
}

}  // namespace dtrain::dist::detail
