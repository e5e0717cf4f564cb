#include "nn/virtual_shards.h"

#include "nn/batch_norm.h"
#include "nn/layers.h"
#include "util/check.h"
#include "util/partition.h"

namespace dtrain::nn {

VirtualShards::VirtualShards(int64_t world, int64_t rank, int64_t ranks)
    : world_(world),
      first_(util::part_begin(world, ranks, rank)),
      end_(util::part_begin(world, ranks, rank + 1)) {
  check(ranks <= world, "every rank plays at least one virtual rank");
}

void VirtualShards::start_batch(int64_t global_size) {
  sizes_.clear();
  for (int64_t shard = first_; shard < end_; ++shard) {
    sizes_.push_back(util::part_begin(global_size, world_, shard + 1) -
                     util::part_begin(global_size, world_, shard));
  }
}

void VirtualShards::adopt(const torch::nn::Module& module) {
  leaves_.assign(size_t(count()), {});
  for (const at::Tensor& parameter : module.parameters()) {
    index_[parameter.unsafeGetTensorImpl()] = leaves_[0].size();
    for (auto& shard : leaves_) shard.push_back(parameter.detach().requires_grad_());
  }
}

const at::Tensor& VirtualShards::leaf(const at::Tensor& parameter, int64_t shard) const {
  return leaves_[size_t(shard)][index_.at(parameter.unsafeGetTensorImpl())];
}

at::Tensor VirtualShards::stacked(const at::Tensor& parameter) const {
  std::vector<at::Tensor> rows;
  for (int64_t shard = 0; shard < count(); ++shard) rows.push_back(leaf(parameter, shard));
  return at::stack(rows);
}

void set_virtual_shards(torch::nn::Module& module, const std::shared_ptr<VirtualShards>& shards) {
  module.apply([&](torch::nn::Module& part) {
    if (auto* layer = dynamic_cast<Conv2d*>(&part)) layer->set_virtual_shards(shards);
    if (auto* layer = dynamic_cast<Linear*>(&part)) layer->set_virtual_shards(shards);
    if (auto* layer = dynamic_cast<BatchNorm2dImpl*>(&part)) layer->set_virtual_shards(shards);
  });
}

}  // namespace dtrain::nn
