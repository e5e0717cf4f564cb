#include "dist/parameter_sync.h"

#include <ATen/ATen.h>

#include <algorithm>
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

// Who holds other values of a tensor than whom, as far as it can be told: one rank than most, or,
// where no value has a majority, two ranks. Empty if all agree.
std::string disagreement(const std::string& tensor, const std::vector<Digest>& by_rank) {
  std::map<Digest, size_t> votes;
  for (const Digest& d : by_rank) ++votes[d];
  if (votes.size() == 1) return {};
  const auto rank_with = [&](const auto& fits) {
    return std::to_string(std::find_if(by_rank.begin(), by_rank.end(), fits) - by_rank.begin());
  };
  for (const auto& [common, count] : votes) {
    if (2 * count <= by_rank.size()) continue;
    return "rank " + rank_with([&](const Digest& d) { return d != common; }) +
           " holds other values of " + tensor + " than most ranks";
  }
  const Digest& first = by_rank.front();
  return "ranks 0 and " + rank_with([&](const Digest& d) { return d != first; }) +
         " hold different values of " + tensor + ", and which are right cannot be told";
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
  int64_t differing = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    std::vector<Digest> by_rank;
    for (const at::Tensor& digests : all) {
      const auto* values = digests.const_data_ptr<int64_t>() + 2 * i;
      by_rank.emplace_back(values[0], values[1]);
    }
    const std::string found = disagreement(tensors[i].first, by_rank);
    if (!found.empty() && differing++ == 0) first = found;
  }
  if (differing == 0) return;
  const Error error(
      ExitCode::kDiverged,
      "replicas",
      first + " (" + std::to_string(differing) + " of " + std::to_string(tensors.size()) +
          " tensors differ)",
      "start again from the last checkpoint; if it repeats on one host, suspect its memory");
  if (group.rank() == 0) throw error;
  throw PeerFailed(0, error);
}

void check_replicas_equal(const torch::nn::Module& module, const ProcessGroup& group) {
  check_replicas_equal(state_of(module), group);
}

}  // namespace dtrain::dist
