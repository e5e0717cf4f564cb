#include "dist/host_reducer.h"

#include <ATen/core/jit_type.h>
#include <signal.h>

#include <exception>
#include <utility>

namespace dtrain::dist {

HostReducer::HostReducer(std::shared_ptr<HostGroup> group) : group_(std::move(group)) {
  thread_ = std::thread([this] { run(); });
}

HostReducer::~HostReducer() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  group_->give_up();
  changed_.notify_all();
  thread_.join();
}

bool HostReducer::reduces(const at::Tensor& tensor) const { return group_->adds_up(tensor); }

c10::intrusive_ptr<c10::ivalue::Future> HostReducer::all_reduce_sum(const at::Tensor& tensor) {
  Task task{tensor, c10::make_intrusive<c10::ivalue::Future>(c10::TensorType::get())};
  const auto done = task.done;
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return done;
}

void HostReducer::run() {
  // Signals are for the main thread.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    reduce(task);
  }
}

void HostReducer::reduce(Task& task) {
  if (!failure_) {
    try {
      group_->all_reduce(task.tensor, /*max=*/false);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  if (failure_) {
    task.done->setError(failure_);
  } else {
    task.done->markCompleted(c10::IValue(task.tensor));
  }
}

}  // namespace dtrain::dist
