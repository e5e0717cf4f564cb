// Collective operations that end in an error that says which rank was missing.
#include "dist/process_group.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "dist/libtorch.h"
#include "dist/mpi_scope.h"
#include "util/check.h"

namespace dtrain::dist {
namespace {

std::string message_of(const std::exception& e) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&e);
  std::string text = torch_error != nullptr ? torch_error->what_without_backtrace() : e.what();
  return text.substr(0, text.find('\n'));
}

bool is_timeout(const std::string& message) {
  return message.find("imed out") != std::string::npos ||
         message.find("imeout") != std::string::npos;
}

// Gloo throws plain runtime errors that begin with the place in its source.
bool is_communication_failure(const std::exception& e) {
  if (dynamic_cast<const c10::DistError*>(&e) != nullptr) return true;
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

std::string list_of(const std::vector<int64_t>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < ranks.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(ranks[i]);
  }
  return text;
}

std::string seconds(std::chrono::milliseconds time) {
  std::string text = std::to_string(double(time.count()) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

}  // namespace

ProcessGroup::ProcessGroup(c10::intrusive_ptr<c10d::Store> store,
                           int64_t rank,
                           int64_t size,
                           Transport transport)
    : ProcessGroup(std::move(store), rank, numbers_below(size), std::move(transport)) {}

ProcessGroup::ProcessGroup(c10::intrusive_ptr<c10d::Store> store,
                           int64_t rank,
                           std::vector<int64_t> names,
                           Transport transport)
    : store_(std::move(store)),
      rank_(rank),
      size_(int64_t(names.size())),
      transport_(std::move(transport)),
      names_(std::move(names)),
      splits_(std::make_shared<int64_t>(0)) {
  try {
    group_ = detail::connect(store_, rank_, size_, transport_);
  } catch (const std::exception& e) {
    fail("connecting the ranks", message_of(e));
  }
}

void ProcessGroup::all_reduce_sum(at::Tensor& tensor) const { all_reduce(tensor, false); }
void ProcessGroup::all_reduce_max(at::Tensor& tensor) const { all_reduce(tensor, true); }

void ProcessGroup::all_reduce(at::Tensor& tensor, bool max) const {
  if (tensor.numel() == 0) return;
  c10d::AllreduceOptions options;
  options.reduceOp = max ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> dense = {tensor.contiguous()};
  wait("all-reduce", group_->allreduce(dense, options));
  if (!dense[0].is_same(tensor)) tensor.copy_(dense[0]);
}

void ProcessGroup::broadcast(at::Tensor& tensor, int64_t root) const {
  if (tensor.numel() == 0) return;
  c10d::BroadcastOptions options;
  options.rootRank = root;
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> dense = {tensor.contiguous()};
  wait("broadcast", group_->broadcast(dense, options));
  if (!dense[0].is_same(tensor)) tensor.copy_(dense[0]);
}

std::vector<at::Tensor> ProcessGroup::all_gather(const at::Tensor& mine) const {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> input = {mine.detach().contiguous()};
  std::vector<std::vector<at::Tensor>> output(1);
  for (int64_t member = 0; member < size_; ++member) {
    output[0].push_back(at::empty(mine.sizes(), mine.options()));
  }
  if (mine.numel() > 0) wait("all-gather", group_->allgather(output, input));
  return output[0];
}

void ProcessGroup::barrier() const { wait("barrier", group_->barrier()); }

ProcessGroup ProcessGroup::split(int64_t color) const {
  const std::vector<at::Tensor> colors = all_gather(at::full({1}, color, at::kLong));
  std::vector<int64_t> members;
  int64_t rank = 0;
  for (int64_t member = 0; member < size_; ++member) {
    if (colors[size_t(member)].item<int64_t>() != color) continue;
    if (member == rank_) rank = int64_t(members.size());
    members.push_back(names_[size_t(member)]);
  }
  const std::string prefix = "split/" + std::to_string((*splits_)++) + "/" + std::to_string(color);
  return ProcessGroup(
      c10::make_intrusive<c10d::PrefixStore>(prefix, store_), rank, std::move(members), transport_);
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
}

void ProcessGroup::wait(const std::string& operation,
                        const c10::intrusive_ptr<c10d::Work>& work) const {
  try {
    work->wait();
  } catch (const std::exception& e) {
    fail(operation, message_of(e));
  }
}

// Note [Roll call]
// Whoever notices a failure notes it in the store, which does not depend on the broken connections,
// and waits a little for the notes of the others: those that are alive notice within milliseconds
// of each other, because the first one closes its connections. Who does not answer is lost. If
// everyone answers, the notes tell whether the ranks were in different operations.
void ProcessGroup::fail(const std::string& operation, const std::string& cause) const {
  const auto key = [](int64_t member) { return "failed/" + std::to_string(member); };
  store_->set(key(rank_), (is_timeout(cause) ? "timeout " : "broken ") + operation);
  std::vector<int64_t> missing;
  const auto end = std::chrono::steady_clock::now() + transport_.roll_call;
  do {
    missing.clear();
    for (int64_t member = 0; member < size_; ++member) {
      if (!store_->check({key(member)})) missing.push_back(member);
    }
    if (missing.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  } while (std::chrono::steady_clock::now() < end);

  bool timeout = false;
  int64_t reporter = -1;
  std::string others;
  for (int64_t member = 0; member < size_; ++member) {
    if (std::find(missing.begin(), missing.end(), member) != missing.end()) continue;
    if (reporter < 0) reporter = member;
    const std::string note = store_->get_to_str(key(member));
    timeout = timeout || note.starts_with("timeout");
    const std::string theirs = note.substr(note.find(' ') + 1);
    if (theirs != operation) {
      others += ", rank " + std::to_string(names_[size_t(member)]) + " was in " + theirs;
    }
  }
  std::vector<int64_t> lost;
  for (int64_t member : missing) lost.push_back(names_[size_t(member)]);
  std::string reason;
  if (!lost.empty() && timeout) {
    reason = list_of(lost) + " did not take part within " + seconds(transport_.timeout);
  } else if (!lost.empty()) {
    reason = "the connection to " + list_of(lost) + " was lost";
  } else if (!others.empty()) {
    reason = "the ranks are not in the same place" + others;
  } else {
    reason = "no rank is missing, but " + cause;
  }
  const Error error(
      ExitCode::kRetry,
      operation,
      reason,
      "start again with --resume auto; if it repeats, look at that rank's log and host, "
      "or raise dist.timeout_s");
  if (reporter == rank_) throw error;
  throw PeerFailed(names_[size_t(reporter)], error);
}

}  // namespace dtrain::dist
