#include "dist/host_group.h"

#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "util/control_groups.h"

namespace dtrain::dist {
namespace {

NoticeBoard board_of(const c10::intrusive_ptr<c10d::Store>& store) {
  return {
      .set = [store](const std::string& key, const std::string& text) { store->set(key, text); },
      .get = [store](const std::string& key) { return store->get_to_str(key); },
      .has = [store](const std::string& key) { return store->check({key}); }};
}

}  // namespace

std::shared_ptr<HostGroup> HostGroup::create(const c10::intrusive_ptr<c10d::Store>& store,
                                             int64_t rank,
                                             int64_t size,
                                             const Transport& transport,
                                             const HostGroupOptions& options) {
  std::optional<HostMeeting> meeting =
      meet_on_host(board_of(store),
                   {.rank = rank,
                    .size = size,
                    .wanted = transport.shared_memory,
                    .bytes = HostCollectives::bytes_needed(size, options.slot_bytes),
                    .timeout = transport.timeout});
  if (!meeting) return nullptr;
  return std::make_shared<HostGroup>(*std::move(meeting), rank, size, transport, options);
}

HostGroup::HostGroup(HostMeeting meeting,
                     int64_t rank,
                     int64_t size,
                     const Transport& transport,
                     const HostGroupOptions& options)
    : meeting_(std::move(meeting)),
      slot_bytes_(options.slot_bytes),
      collectives_(meeting_.memory.address(),
                   {.rank = rank,
                    .size = size,
                    .slot_bytes = options.slot_bytes,
                    .timeout = transport.timeout,
                    .is_gone = [this](int64_t peer) {
                      return given_up_ || is_hung_up(meeting_.peers[size_t(peer)]);
                    }}) {
  if (options.spin) collectives_.set_spin(agreed_spin(size, transport.ranks_on_host));
}

// Members that are bound to processors of their own share them with no other group.
std::chrono::nanoseconds HostGroup::agreed_spin(int64_t size, int64_t ranks_on_host) {
  cpu_set_t mine, together;
  CPU_ZERO(&mine);
  CPU_ZERO(&together);
  sched_getaffinity(0, sizeof mine, &mine);
  std::vector<cpu_set_t> sets(static_cast<size_t>(size));
  std::vector<void*> places;
  for (cpu_set_t& set : sets) places.push_back(&set);
  collectives_.all_gather(&mine, sizeof mine, places);
  for (const cpu_set_t& set : sets) CPU_OR(&together, &together, &set);
  const bool bound = std::any_of(
      sets.begin(), sets.end(), [&](const cpu_set_t& set) { return !CPU_EQUAL(&set, &together); });
  int64_t processors = CPU_COUNT(&together);
  if (const auto granted = util::granted_processors()) processors = std::min(processors, *granted);
  return spin_time(size, bound ? 0 : ranks_on_host, processors);
}

bool HostGroup::carries(const at::Tensor& tensor) const {
  return tensor.is_cpu() && tensor.nbytes() <= slot_bytes_;
}

bool HostGroup::adds_up(const at::Tensor& tensor) const {
  if (!tensor.is_cpu()) return false;
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
    case at::kInt:
    case at::kLong:
      return true;
    default:
      return false;  // Gloo's rounding
  }
}

void HostGroup::all_reduce(at::Tensor& tensor, bool max) {
  const Reduction reduction = max ? Reduction::kMax : Reduction::kSum;
  const auto reduce = [&](auto* values) {
    collectives_.all_reduce(reduction, values, size_t(tensor.numel()));
  };
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return reduce(tensor.data_ptr<float>());
    case at::kDouble:
      return reduce(tensor.data_ptr<double>());
    case at::kInt:
      return reduce(tensor.data_ptr<int32_t>());
    default:
      return reduce(tensor.data_ptr<int64_t>());
  }
}

void HostGroup::broadcast(at::Tensor& tensor, int64_t root) {
  collectives_.broadcast(tensor.data_ptr(), tensor.nbytes(), root);
}

void HostGroup::all_gather(const std::vector<at::Tensor>& by_rank, const at::Tensor& mine) {
  std::vector<void*> places;
  for (const at::Tensor& tensor : by_rank) places.push_back(tensor.data_ptr());
  collectives_.all_gather(mine.const_data_ptr(), mine.nbytes(), places);
}

void HostGroup::barrier() { collectives_.barrier(); }

std::vector<Socket> HostGroup::sockets() const {
  std::vector<Socket> sockets;
  for (const Descriptor& peer : meeting_.peers) {
    struct stat status = {};
    if (!peer || fstat(peer.number(), &status) != 0) continue;
    sockets.push_back({peer.number(), status.st_ino});
  }
  return sockets;
}

}  // namespace dtrain::dist
