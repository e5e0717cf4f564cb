#include "dist/ordered_reducer.h"

#include <ATen/ATen.h>

#include <chrono>
#include <utility>

#include "util/check.h"

namespace dtrain::dist {
namespace {

int64_t values_of(const std::vector<at::Tensor>& parameters) {
  int64_t values = 0;
  for (const at::Tensor& parameter : parameters) values += parameter.numel();
  return values;
}

// The pieces of `flat` that hold the values of each parameter, laid out like it.
std::vector<at::Tensor> views(const at::Tensor& flat, const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> pieces;
  int64_t begin = 0;
  for (const at::Tensor& parameter : parameters) {
    pieces.push_back(flat.narrow(0, begin, parameter.numel())
                         .as_strided(parameter.sizes(), parameter.strides()));
    begin += parameter.numel();
  }
  return pieces;
}

}  // namespace

OrderedReducer::OrderedReducer(std::vector<at::Tensor> parameters,
                               std::vector<std::vector<at::Tensor>> shards,
                               const ProcessGroup& group)
    : parameters_(std::move(parameters)), shards_(std::move(shards)), group_(group) {
  check(!parameters_.empty() && !shards_.empty(), "a rank has parameters and at least one shard");
  for (const auto& shard : shards_) {
    check(shard.size() == parameters_.size(), "a shard has a leaf for each parameter");
  }
  const auto local = int64_t(shards_.size());
  for (const at::Tensor& count : group_.all_gather(at::full({1}, local, at::kLong))) {
    shards_of_rank_.push_back(count.item<int64_t>());
  }
  part_ = (values_of(parameters_) + group_.size() - 1) / group_.size();
  const auto options = parameters_[0].detach().options();
  mine_ = at::zeros({local, group_.size() * part_}, options);
  total_ = at::zeros({group_.size() * part_}, options);
}

void OrderedReducer::zero_grad() {
  for (auto& shard : shards_) {
    for (at::Tensor& leaf : shard) leaf.mutable_grad().reset();
  }
}

void OrderedReducer::backward(const at::Tensor& loss) {
  group_.guarded("backward pass", [&] { loss.backward(); });
  if (!is_synchronised_) return;
  const auto before = std::chrono::steady_clock::now();
  reduce();
  if (!loss.is_cpu()) return;
  const auto exposed = std::chrono::steady_clock::now() - before;
  exposed_seconds_ += std::chrono::duration<double>(exposed).count();
}

void OrderedReducer::reduce() {
  const at::NoGradGuard no_grad;
  for (size_t s = 0; s < shards_.size(); ++s) {
    const std::vector<at::Tensor> pieces = views(mine_[int64_t(s)], parameters_);
    for (size_t i = 0; i < pieces.size(); ++i) {
      at::Tensor piece = pieces[i];
      const at::Tensor& gradient = shards_[s][i].grad();
      check(gradient.defined(), "every parameter takes part in every shard");
      piece.copy_(gradient);
    }
  }
  const at::Tensor all = exchange(mine_);  // (all shards, part)
  at::Tensor sum = all[0];
  for (int64_t shard = 1; shard < all.size(0); ++shard) sum.add_(all[shard]);
  if (group_.size() > 1) {
    group_.all_gather_into(total_, sum);
  } else {
    total_.copy_(sum);
  }
  const std::vector<at::Tensor> pieces = views(total_, parameters_);
  for (size_t i = 0; i < pieces.size(); ++i) parameters_[i].mutable_grad() = pieces[i];
}

// Sends every rank its part of the local shards; returns this rank's part of all shards, in order.
at::Tensor OrderedReducer::exchange(const at::Tensor& mine) const {
  const int64_t ranks = group_.size(), local = mine.size(0);
  if (ranks == 1) return mine;
  const at::Tensor by_owner = mine.view({local, ranks, part_}).transpose(0, 1).contiguous();
  int64_t shards = 0;
  for (const int64_t count : shards_of_rank_) shards += count;
  at::Tensor all = at::empty({shards, part_}, mine.options());
  group_.all_to_all(all,
                    by_owner.view({ranks * local, part_}),
                    shards_of_rank_,
                    std::vector<int64_t>(size_t(ranks), local));
  return all;
}

}  // namespace dtrain::dist
