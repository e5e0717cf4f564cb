#include "dist/mpi_work_queue.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <thread>
#include <utility>

#include "dist/mpi_communicator.h"

namespace dtrain::dist {
namespace {

constexpr int kQuestion = 0, kAnswer = 1;
constexpr auto kPause = std::chrono::milliseconds(20);

// False where no message is there. `source` may be MPI_ANY_SOURCE, and is then set.
bool receive(MPI_Comm channel, int tag, int* source, std::string* text) {
  std::lock_guard lock(MpiScope::calls());
  int arrived = 0, length = 0;
  MPI_Status status;
  MPI_Iprobe(*source, tag, channel, &arrived, &status);
  if (!arrived) return false;
  *source = status.MPI_SOURCE;
  MPI_Get_count(&status, MPI_CHAR, &length);
  text->resize(size_t(length));
  MPI_Recv(text->data(), length, MPI_CHAR, *source, tag, channel, &status);
  return true;
}

void send(MPI_Comm channel, int tag, int to, const std::string& text) {
  MPI_Request request;
  {
    std::lock_guard lock(MpiScope::calls());
    MPI_Isend(text.data(), int(text.size()), MPI_CHAR, to, tag, channel, &request);
  }
  for (;;) {
    {
      std::lock_guard lock(MpiScope::calls());
      int done = 0;
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

struct MpiWorkQueue::Channel {
  MPI_Comm handle;
};

class MpiWorkQueue::Server {
 public:
  Server(MPI_Comm channel, bool has_peers, Answer answer)
      : channel_(channel), answer_(std::move(answer)) {
    if (!has_peers) return;
    sigset_t all, before;  // signals are for the main thread
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Server() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  std::string answer(int64_t rank, const std::string& text) {
    std::lock_guard lock(answering_);
    return answer_(rank, text);
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      lock.unlock();
      int source = MPI_ANY_SOURCE;
      std::string text;
      while (receive(channel_, kQuestion, &source, &text)) {
        send(channel_, kAnswer, source, answer(source, text));
        source = MPI_ANY_SOURCE;
      }
      lock.lock();
      wake_.wait_for(lock, kPause, [&] { return stop_; });
    }
  }

  MPI_Comm channel_;
  Answer answer_;
  std::mutex answering_, mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

MpiWorkQueue::MpiWorkQueue(const MpiScope& world, Answer answer)
    : rank_(world.rank()), size_(world.size()), channel_(std::make_unique<Channel>()) {
  if (size_ > 1) {
    std::lock_guard lock(MpiScope::calls());
    MPI_Comm_dup(world.communicator().handle, &channel_->handle);
  }
  if (rank_ == 0)
    server_ = std::make_unique<Server>(channel_->handle, size_ > 1, std::move(answer));
}

MpiWorkQueue::~MpiWorkQueue() = default;

std::string MpiWorkQueue::ask(const std::string& text) {
  if (rank_ == 0) return server_->answer(0, text);
  send(channel_->handle, kQuestion, 0, text);
  std::string answer;
  int source = 0;
  while (!receive(channel_->handle, kAnswer, &source, &answer)) {
    std::this_thread::sleep_for(kPause);
  }
  return answer;
}

}  // namespace dtrain::dist
