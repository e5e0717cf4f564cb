// LibTorch 2.11's process groups and reducer: the one file that includes gloo's headers.
#include "dist/libtorch.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <unordered_map>

#include "device/device.h"
#include "dist/one_rank_backend.h"

namespace dtrain::dist::detail {
namespace {

c10::intrusive_ptr<c10d::Backend> connect_gloo(const c10::intrusive_ptr<c10d::Store>& store,
                                               int64_t rank,
                                               int64_t size,
                                               const Transport& transport) {
  using c10d::ProcessGroupGloo;
  auto options = ProcessGroupGloo::Options::create(transport.timeout);
  for (const std::string& name : transport.interfaces) {
    options->devices.push_back(ProcessGroupGloo::createDeviceForInterface(name));
  }
  if (options->devices.empty()) options->devices.push_back(ProcessGroupGloo::createDefaultDevice());
  options->threads = int(options->devices.size()) * 2;
  return c10::make_intrusive<ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", store), int(rank), int(size), options);
}

// Note [Buckets that stay]
// c10d::Reducer moves its buckets about after the first step, to the order in which gradients
// became ready. In a ring of three or more ranks the place of a value decides the order in which
// its parts are added, so a run that is resumed, with a new reducer in its first layout, would
// differ in the last bits from one that went on. From the last parameter to the first is the order
// of the backward pass anyway; keeping it makes every step the same function.
class FixedReducer final : public c10d::Reducer {
 public:
  template <class... Args>
  explicit FixedReducer(Args&&... args) : c10d::Reducer(std::forward<Args>(args)...) {
    has_rebuilt_bucket_ = true;
  }
};

// Gloo writes to its sockets with plain writes: after a peer's death the signal would end this
// process too, without a word. Ignored, the write fails and becomes an error like any other.
void ignore_broken_pipes() {
  struct sigaction action = {};
  sigaction(SIGPIPE, nullptr, &action);
  if (action.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

c10::intrusive_ptr<c10d::ProcessGroup> connect(const c10::intrusive_ptr<c10d::Store>& store,
                                               int64_t rank,
                                               int64_t size,
                                               const Transport& transport) {
  using Group = c10d::ProcessGroup;
  ignore_broken_pipes();
  auto group = c10::make_intrusive<Group>(store, int(rank), int(size));
  if (size == 1 && !transport.gpu) {
    group->setBackend(c10::kCPU, Group::BackendType::CUSTOM, make_one_rank_backend());
    group->setDefaultBackend(Group::BackendType::CUSTOM);
    return group;
  }
  const auto gloo = connect_gloo(store, rank, size, transport);
  group->setBackend(c10::kCPU, Group::BackendType::GLOO, gloo);
  group->setDefaultBackend(Group::BackendType::GLOO);
  if (transport.gpu && transport.backend == "gloo") {
    group->setBackend(c10::kCUDA, Group::BackendType::GLOO, gloo);
  } else if (transport.gpu) {
    group->setBackend(c10::kCUDA,
                      Group::BackendType::NCCL,
                      device::connect_nccl(store, rank, size, transport.timeout));
    group->setDefaultBackend(Group::BackendType::NCCL);
  }
  return group;
}

std::unique_ptr<c10d::Reducer> make_reducer(const std::vector<at::Tensor>& parameters,
                                            const std::vector<std::string>& names,
                                            const c10::intrusive_ptr<c10d::ProcessGroup>& group,
                                            int64_t bucket_bytes,
                                            int64_t first_bucket_bytes) {
  std::vector<at::Tensor> backwards(parameters.rbegin(), parameters.rend());
  std::vector<int64_t> indices;
  std::unordered_map<size_t, std::string> names_by_index;
  for (size_t i = 0; i < parameters.size(); ++i) {
    indices.push_back(int64_t(parameters.size() - 1 - i));
    names_by_index[i] = names[i];
  }
  auto buckets = std::get<0>(c10d::compute_bucket_assignment_by_size(
      backwards, {size_t(first_bucket_bytes), size_t(bucket_bytes)}, {}, indices));
  return std::make_unique<FixedReducer>(parameters,
                                        std::move(buckets),
                                        group,
                                        /*expect_sparse_gradients=*/
                                        std::vector<bool>(parameters.size(), false),
                                        bucket_bytes,
                                        /*find_unused_parameters=*/false,
                                        /*gradient_as_bucket_view=*/true,
                                        std::move(names_by_index),
                                        first_bucket_bytes,
                                        /*skip_all_reduce_unused_params=*/false,
                                        /*use_python_reducer=*/false,
                                        /*bucket_bytes_cap_list=*/std::vector<int64_t>{});
}

}  // namespace dtrain::dist::detail
