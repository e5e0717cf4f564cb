// Collective operations whose failures say which rank was missing.
#include "dist/process_group.h"

#include <ATen/ATen.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "dist/host_group.h"
#include "dist/host_reducer.h"
#include "dist/libtorch.h"
#include "dist/roll_call.h"
#include "util/check.h"

namespace dtrain::dist {
namespace {

// Of a large tensor that goes through shared memory: few rounds, and in the cache.
constexpr size_t kReducedAtOnce = 256 * 1024;

std::string message_of(const std::exception& e) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&e);
  std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : e.what();
  return text.substr(0, text.find('\n'));
}

// Gloo throws plain runtime errors that begin with the place in its source.
bool is_communication_failure(const std::exception& e) {
  if (dynamic_cast<const c10::DistError*>(&e) != nullptr) return true;
  if (dynamic_cast<const HostFailure*>(&e) != nullptr) return true;
  const std::string message = e.what();
  for (const char* sign : {"gloo/transport", "gloo/context", "NCCL"}) {
    if (message.find(sign) != std::string::npos) return true;
  }
  return false;
}

std::vector<int64_t> numbers_below(int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

}  // namespace

ProcessGroup::ProcessGroup(c10::intrusive_ptr<c10d::Store> store,
                           int64_t rank,
                           int64_t size,
                           Transport transport)
    : ProcessGroup(store,
                   rank,
                   numbers_below(size),
                   transport,
                   std::make_shared<RollCall>(store, rank, transport.roll_call)) {}

ProcessGroup::ProcessGroup(c10::intrusive_ptr<c10d::Store> store,
                           int64_t rank,
                           std::vector<int64_t> members,
                           Transport transport,
                           std::shared_ptr<RollCall> roll_call)
    : store_(std::move(store)),
      rank_(rank),
      members_(std::move(members)),
      transport_(std::move(transport)),
      roll_call_(std::move(roll_call)),
      splits_(std::make_shared<int64_t>(0)),
      waited_seconds_(std::make_shared<double>(0.0)) {
  try {
    connect();
  } catch (const std::exception& e) {
    fail("connecting the ranks", message_of(e));
  }
  barrier();  // or a rank that ends right away would fail a peer that is still connecting
}

void ProcessGroup::connect() {
  const std::vector<Socket> before = connected_sockets();
  group_ = detail::connect(store_, rank_, size(), transport_);
  roll_call_->watch(before);
  host_ = HostGroup::create(store_, rank_, size(), transport_);
  if (host_) roll_call_->also_watch(host_->sockets());
}

void ProcessGroup::all_reduce_sum(at::Tensor& tensor) const { all_reduce(tensor, false); }
void ProcessGroup::all_reduce_max(at::Tensor& tensor) const { all_reduce(tensor, true); }

void ProcessGroup::all_reduce(at::Tensor& tensor, bool max) const {
  if (tensor.numel() == 0) return;
  c10d::AllreduceOptions options;
  options.reduceOp = max ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> dense = {tensor.contiguous()};
  if (host_ && host_->carries(dense[0]) && host_->adds_up(dense[0])) {
    timed("all-reduce", [&] { host_->all_reduce(dense[0], max); });
  } else {
    wait("all-reduce", group_->allreduce(dense, options));
  }
  if (!dense[0].is_same(tensor)) tensor.copy_(dense[0]);
}

void ProcessGroup::broadcast(at::Tensor& tensor, int64_t root) const {
  if (tensor.numel() == 0) return;
  c10d::BroadcastOptions options;
  options.rootRank = root;
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> dense = {tensor.contiguous()};
  if (host_ && host_->carries(dense[0])) {
    timed("broadcast", [&] { host_->broadcast(dense[0], root); });
  } else {
    wait("broadcast", group_->broadcast(dense, options));
  }
  if (!dense[0].is_same(tensor)) tensor.copy_(dense[0]);
}

std::string ProcessGroup::broadcast(const std::string& from_root, int64_t root) const {
  at::Tensor length = at::full({1}, int64_t(from_root.size()), at::kLong);
  broadcast(length, root);
  std::string text = from_root;
  text.resize(size_t(length.item<int64_t>()));
  at::Tensor bytes = at::from_blob(text.data(), {int64_t(text.size())}, at::kByte);
  broadcast(bytes, root);
  return text;
}

std::vector<at::Tensor> ProcessGroup::all_gather(const at::Tensor& mine) const {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> input = {mine.detach().contiguous()};
  std::vector<std::vector<at::Tensor>> output(1);
  for (int64_t member = 0; member < size(); ++member) {
    output[0].push_back(at::empty(mine.sizes(), mine.options()));
  }
  if (mine.numel() == 0) return output[0];
  if (host_ && host_->carries(input[0])) {
    timed("all-gather", [&] { host_->all_gather(output[0], input[0]); });
  } else {
    wait("all-gather", group_->allgather(output, input));
  }
  return output[0];
}

void ProcessGroup::all_gather_into(at::Tensor& all, const at::Tensor& mine) const {
  check(all.is_contiguous() && mine.is_contiguous() && all.numel() == size() * mine.numel(),
        "the gathered tensor has room for that of every rank");
  at::NoGradGuard no_grad;
  at::Tensor input = mine.detach();
  if (mine.numel() == 0) return;
  if (host_ && host_->carries(input) && all.is_cpu()) {
    timed("all-gather", [&] { host_->all_gather(all.view({size(), -1}).unbind(), input); });
  } else {
    at::Tensor flat = all.view({-1}), part = input.view({-1});  // Gloo wants slices of equal shape
    wait("all-gather", group_->_allgather_base(flat, part));
  }
}

void ProcessGroup::all_to_all(at::Tensor& receive,
                              const at::Tensor& send,
                              std::vector<int64_t> receive_rows,
                              std::vector<int64_t> send_rows) const {
  at::NoGradGuard no_grad;
  at::Tensor input = send.detach();
  wait("all-to-all", group_->alltoall_base(receive, input, receive_rows, send_rows));
}

void ProcessGroup::barrier() const {
  if (host_) return timed("barrier", [&] { host_->barrier(); });
  wait("barrier", group_->getBackend(c10::kCPU)->barrier());
}

std::shared_ptr<HostReducer> ProcessGroup::make_host_reducer() const {
  if (!host_) return nullptr;
  barrier();  // notices a peer that was lost since, as waiting in the store would not
  const std::string prefix = "reducer/" + std::to_string((*splits_)++);
  std::shared_ptr<HostGroup> group;
  try {
    group = HostGroup::create(c10::make_intrusive<c10d::PrefixStore>(prefix, store_),
                              rank_,
                              size(),
                              transport_,
                              {.slot_bytes = kReducedAtOnce, .spin = false});
  } catch (const std::exception& e) {
    fail("connecting the ranks", message_of(e));
  }
  if (!group) return nullptr;
  roll_call_->also_watch(group->sockets());
  return std::make_shared<HostReducer>(std::move(group));
}

double ProcessGroup::exchanging_seconds() const { return host_ ? host_->exchanging_seconds() : 0; }

void ProcessGroup::expect_healthy() const { expect_healthy("work on the GPU"); }

void ProcessGroup::expect_healthy(const std::string& operation) const {
  if (!transport_.gpu || transport_.backend != "nccl") return;
  switch (group_->getBackend(c10::kCUDA)->getError()) {
    case c10d::ErrorType::SUCCESS:
      return;
    case c10d::ErrorType::TIMEOUT:
      fail(operation, "NCCL timed out");
    default:
      fail(operation, "NCCL lost a peer");
  }
}

ProcessGroup ProcessGroup::split(int64_t color) const { return split(color, transport_); }

ProcessGroup ProcessGroup::control_group() const {
  Transport transport = transport_;
  transport.gpu = false;
  transport.backend = "gloo";
  return split(0, transport);
}

ProcessGroup ProcessGroup::split(int64_t color, const Transport& transport) const {
  const std::vector<at::Tensor> colors = all_gather(at::full({1}, color, at::kLong));
  std::vector<int64_t> members;
  int64_t rank = 0;
  for (int64_t member = 0; member < size(); ++member) {
    if (colors[size_t(member)].item<int64_t>() != color) continue;
    if (member == rank_) rank = int64_t(members.size());
    members.push_back(members_[size_t(member)]);
  }
  const std::string prefix = "split/" + std::to_string((*splits_)++) + "/" + std::to_string(color);
  return ProcessGroup(c10::make_intrusive<c10d::PrefixStore>(prefix, store_),
                      rank,
                      std::move(members),
                      transport,
                      roll_call_);
}

void ProcessGroup::guarded(const std::string& operation, const std::function<void()>& f) const {
  try {
    f();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    if (!is_communication_failure(e)) throw;
    fail(operation, message_of(e));
  }
  expect_healthy(operation);
}

void ProcessGroup::wait(const std::string& operation,
                        const c10::intrusive_ptr<c10d::Work>& work) const {
  timed(operation, [&] { work->wait(); });
}

void ProcessGroup::timed(const std::string& operation, const std::function<void()>& f) const {
  const auto before = std::chrono::steady_clock::now();
  try {
    f();
  } catch (const std::exception& e) {
    fail(operation, message_of(e));
  }
  *waited_seconds_ +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  expect_healthy(operation);
}

void ProcessGroup::fail(const std::string& operation, const std::string& cause) const {
  roll_call_->fail(members_, operation, cause, transport_.timeout);
}

}  // namespace dtrain::dist
