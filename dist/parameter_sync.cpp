#include "dist/parameter_sync.h"

#include <ATen/ATen.h>

#include <cstring>
#include <map>
#include <torch/csrc/distributed/c10d/comm.hpp>

#define XXH_INLINE_ALL  // no library to link
#include <xxhash.h>

#include "dist/mpi_scope.h"
#include "util/check.h"

namespace dtrain::dist {
namespace {

constexpr size_t kBroadcastBytes = 64 * 1024 * 1024;

using Digest = std::pair<int64_t, int64_t>;

// The values in the order in which they lie; ranks that train the same model agree in strides.
Digest digest(const at::Tensor& tensor) {
  at::Tensor values = tensor.detach().cpu();
  if (!values.is_non_overlapping_and_dense()) values = values.contiguous();
  std::string shape = c10::toString(values.scalar_type());
  for (const int64_t size : values.sizes()) shape += "," + std::to_string(size);
  const XXH64_hash_t seed = XXH3_64bits(shape.data(), shape.size());
  const XXH128_hash_t hash = XXH3_128bits_withSeed(values.const_data_ptr(), values.nbytes(), seed);
  return {int64_t(hash.low64), int64_t(hash.high64)};
}

// The first rank whose digest is not the most common one (of equally common ones: that of the
// lowest rank); -1 if all agree.
int64_t odd_one_out(const std::vector<Digest>& by_rank) {
  std::map<Digest, int64_t> votes;
  for (const Digest& d : by_rank) ++votes[d];
  Digest common = by_rank.front();
  for (const Digest& d : by_rank) {
    if (votes[d] > votes[common]) common = d;
  }
  for (size_t rank = 0; rank < by_rank.size(); ++rank) {
    if (by_rank[rank] != common) return int64_t(rank);
  }
  return -1;
}

}  // namespace

NamedTensors state_of(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& item : module.named_parameters()) state.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) state.emplace_back(item.key(), item.value());
  return state;
}

void broadcast_tensors(const std::vector<at::Tensor>& tensors, const ProcessGroup& group) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> values;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.numel() > 0) values.push_back(tensor.detach());
  }
  group.guarded("broadcast of the model",
                [&] { c10d::broadcast_coalesced(group.c10d(), values, kBroadcastBytes, 0); });
}

void broadcast_module(torch::nn::Module& module, const ProcessGroup& group) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : state_of(module)) tensors.push_back(tensor);
  broadcast_tensors(tensors, group);
}

void check_replicas_equal(const NamedTensors& tensors, const ProcessGroup& group) {
  if (tensors.empty()) return;
  at::Tensor mine = at::empty({int64_t(tensors.size()), 2}, at::kLong);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto [low, high] = digest(tensors[i].second);
    mine.data_ptr<int64_t>()[2 * i] = low;
    mine.data_ptr<int64_t>()[2 * i + 1] = high;
  }
  const std::vector<at::Tensor> all = group.all_gather(mine);
  std::string first;
  int64_t odd = -1, differing = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    std::vector<Digest> by_rank;
    for (const at::Tensor& digests : all) {
      const auto* values = digests.const_data_ptr<int64_t>() + 2 * i;
      by_rank.emplace_back(values[0], values[1]);
    }
    const int64_t rank = odd_one_out(by_rank);
    if (rank < 0) continue;
    if (differing++ == 0) {
      first = tensors[i].first;
      odd = rank;
    }
  }
  if (differing == 0) return;
  const Error error(
      ExitCode::kDiverged,
      "replicas",
      "rank " + std::to_string(odd) + " holds other values of " + first +
          " than the other ranks (" + std::to_string(differing) + " of " +
          std::to_string(tensors.size()) + " tensors differ)",
      "start again from the last checkpoint; if it repeats on one host, suspect its memory");
  if (group.rank() == 0) throw error;
  throw PeerFailed(0, error);
}

void check_replicas_equal(const torch::nn::Module& module, const ProcessGroup& group) {
  check_replicas_equal(state_of(module), group);
}

}  // namespace dtrain::dist
