// Sums of gradient buckets over the ranks.
#include "dist/reduce_hook.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

namespace dtrain::dist {

ReduceHook::ReduceHook(const c10::intrusive_ptr<c10d::ProcessGroup>& group,
                       std::optional<at::ScalarType> wire,
                       std::shared_ptr<ReduceClock> clock,
                       std::shared_ptr<HostReducer> host)
    : CppCommHookInterface(group), wire_(wire), clock_(std::move(clock)), host_(std::move(host)) {}

c10::intrusive_ptr<c10::ivalue::Future> ReduceHook::runHook(c10d::GradBucket& bucket) {
  const at::Tensor bucket_values = bucket.getBuffer();
  const bool compress = wire_.has_value() && bucket_values.scalar_type() == at::kFloat;
  std::vector<at::Tensor> sent = {compress ? bucket_values.to(*wire_) : bucket_values};
  clock_->last_bucket = std::chrono::steady_clock::now();
  ++clock_->buckets;
  if (host_ && host_->reduces(sent[0])) return host_->all_reduce_sum(sent[0]);
  const auto reduced = state_->allreduce(sent)->getFuture();
  if (!compress) return reduced;
  return reduced->then(
      [bucket_values](c10::ivalue::Future& done) {
        const at::Tensor sum = done.value().toTensorVector()[0];  // throws where the reduction did
        at::Tensor values = bucket_values;
        values.copy_(sum);
        return c10::IValue(values);
      },
      c10::TensorType::get());
}

}  // namespace dtrain::dist
