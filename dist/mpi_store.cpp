// A key-value store over MPI messages: set() sends to everyone, get() waits for the arrival.
#include "dist/mpi_store.h"

#include <c10/util/Exception.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <list>
#include <thread>
#include <unordered_map>
#include <utility>

#include "dist/mpi_communicator.h"

namespace dtrain::dist {
namespace {

constexpr int kTag = 0;
constexpr auto kBusyPause = std::chrono::microseconds(200);
constexpr auto kIdlePause = std::chrono::milliseconds(50);
constexpr auto kFarewell = std::chrono::milliseconds(500);
constexpr auto kBusyAfterUse = std::chrono::seconds(2);

using Bytes = std::vector<uint8_t>;
using Clock = std::chrono::steady_clock;

// A message is the key, a zero byte (keys hold none), and the value.
std::shared_ptr<const Bytes> pack(const std::string& key, const Bytes& value) {
  Bytes message(key.begin(), key.end());
  message.push_back(0);
  message.insert(message.end(), value.begin(), value.end());
  return std::make_shared<const Bytes>(std::move(message));
}

}  // namespace

class MpiStore::Courier {
 public:
  explicit Courier(const MpiScope& mpi) : rank_(mpi.rank()), size_(mpi.size()) {
    {
      std::lock_guard lock(MpiScope::calls());
      MPI_Comm_dup(mpi.communicator().handle, &channel_);
    }
    // Signals are for the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  // The communicator is left to MPI_Finalize: freeing it is collective, and this rank may be
  // leaving alone after an error.
  ~Courier() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  void set(const std::string& key, const Bytes& value) {
    {
      std::lock_guard lock(mutex_);
      values_[key] = value;
      outbox_.push_back(pack(key, value));
    }
    arrived_.notify_all();
    wake_.notify_all();
  }

  // False if a key has not arrived before the timeout; zero or less only looks.
  bool wait(const std::vector<std::string>& keys, std::chrono::milliseconds timeout) {
    const auto here = [&] {
      return std::all_of(
          keys.begin(), keys.end(), [&](const auto& key) { return values_.contains(key); });
    };
    std::unique_lock lock(mutex_);
    if (here()) return true;
    last_use_ = Clock::now();
    wake_.notify_all();
    ++waiting_;
    const bool result = arrived_.wait_for(lock, timeout, here);
    --waiting_;
    return result;
  }

  Bytes at(const std::string& key) {
    std::lock_guard lock(mutex_);
    return values_.at(key);
  }
  bool erase(const std::string& key) {
    std::lock_guard lock(mutex_);
    return values_.erase(key) > 0;
  }
  int64_t count() {
    std::lock_guard lock(mutex_);
    return int64_t(values_.size());
  }

 private:
  struct Sending {
    std::shared_ptr<const Bytes> message;  // alive until the request is done
    MPI_Request request;
  };

  void run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      std::vector<std::shared_ptr<const Bytes>> outgoing;
      outgoing.swap(outbox_);
      lock.unlock();
      const std::vector<Bytes> incoming = exchange(outgoing);
      lock.lock();
      for (const Bytes& message : incoming) {
        const auto end = std::find(message.begin(), message.end(), 0);
        values_[std::string(message.begin(), end)].assign(end + 1, message.end());
      }
      if (!incoming.empty()) arrived_.notify_all();
      const auto now = Clock::now();
      if (!incoming.empty() || !sending_.empty() || waiting_ > 0) last_use_ = now;
      const auto used = last_use_;
      const auto pause =
          now - used < kBusyAfterUse ? std::chrono::microseconds(kBusyPause) : kIdlePause;
      wake_.wait_for(lock, pause, [&] { return stop_ || !outbox_.empty() || last_use_ != used; });
    }
    lock.unlock();
    // What was set last must still leave. What nobody takes any more stays in memory, for MPI may
    // yet look at it.
    const auto end = Clock::now() + kFarewell;
    exchange(std::exchange(outbox_, {}));
    while (!sending_.empty() && Clock::now() < end) {
      std::this_thread::sleep_for(kBusyPause);
      exchange({});
    }
    if (!sending_.empty()) new std::list<Sending>(std::move(sending_));
  }

  // Starts to send what goes out, returns what has come in. On the courier's thread only.
  std::vector<Bytes> exchange(const std::vector<std::shared_ptr<const Bytes>>& outgoing) {
    std::vector<Bytes> incoming;
    std::lock_guard lock(MpiScope::calls());
    for (const auto& message : outgoing) {
      for (int peer = 0; peer < size_; ++peer) {
        if (peer == rank_) continue;
        MPI_Request request;
        MPI_Isend(message->data(), int(message->size()), MPI_BYTE, peer, kTag, channel_, &request);
        sending_.push_back({message, request});
      }
    }
    for (;;) {
      int arrived = 0, length = 0;
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, kTag, channel_, &arrived, &status);
      if (!arrived) break;
      MPI_Get_count(&status, MPI_BYTE, &length);
      Bytes& message = incoming.emplace_back(static_cast<size_t>(length));
      MPI_Recv(message.data(), length, MPI_BYTE, status.MPI_SOURCE, kTag, channel_, &status);
    }
    sending_.remove_if([](Sending& sending) {
      int done = 0;
      MPI_Test(&sending.request, &done, MPI_STATUS_IGNORE);
      return done != 0;
    });
    return incoming;
  }

  const int rank_, size_;
  MPI_Comm channel_;  // its own communicator: messages never mix with other MPI traffic
  std::list<Sending> sending_;

  std::mutex mutex_;  // guards what follows; never held around an MPI call
  std::condition_variable wake_, arrived_;
  std::unordered_map<std::string, Bytes> values_;
  std::vector<std::shared_ptr<const Bytes>> outbox_;
  Clock::time_point last_use_ = Clock::now();
  int waiting_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

// A word from everyone to everyone: where MPI makes its connections when first used, they are made
// now, and those that appear later are not its (RollCall::watch).
MpiStore::MpiStore(const MpiScope& mpi) : courier_(std::make_shared<Courier>(mpi)) {
  std::vector<std::string> words;
  for (int rank = 0; rank < mpi.size(); ++rank) words.push_back("hello/" + std::to_string(rank));
  set(words[size_t(mpi.rank())], std::vector<uint8_t>{});
  wait(words);
  mpi.barrier();
}
MpiStore::MpiStore(std::shared_ptr<Courier> courier) : courier_(std::move(courier)) {}
MpiStore::~MpiStore() = default;

void MpiStore::set(const std::string& key, const std::vector<uint8_t>& value) {
  courier_->set(key, value);
}

std::vector<uint8_t> MpiStore::get(const std::string& key) {
  wait({key}, timeout_);
  return courier_->at(key);
}

bool MpiStore::check(const std::vector<std::string>& keys) {
  return courier_->wait(keys, std::chrono::milliseconds(0));
}

void MpiStore::wait(const std::vector<std::string>& keys) { wait(keys, timeout_); }

void MpiStore::wait(const std::vector<std::string>& keys,
                    const std::chrono::milliseconds& timeout) {
  if (courier_->wait(keys, timeout)) return;
  C10_THROW_ERROR(DistStoreError,
                  c10::str("a peer has not set '",
                           keys.front(),
                           "' (or a key after it) within ",
                           timeout.count(),
                           " ms"));
}

int64_t MpiStore::getNumKeys() { return courier_->count(); }
bool MpiStore::deleteKey(const std::string& key) { return courier_->erase(key); }

c10::intrusive_ptr<c10d::Store> MpiStore::clone() {
  return c10::intrusive_ptr<MpiStore>::unsafe_steal_from_new(new MpiStore(courier_));
}

int64_t MpiStore::add(const std::string&, int64_t) {
  C10_THROW_ERROR(NotImplementedError, "MpiStore has no counters");
}

}  // namespace dtrain::dist
