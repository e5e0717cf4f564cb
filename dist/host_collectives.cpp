#include "dist/host_collectives.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <cstring>
#include <utility>

namespace dtrain::dist {
namespace {

using HostClock = std::chrono::steady_clock;  // the same clock in all processes of a host

constexpr size_t kLine = 64;                     // bytes of a cache line
constexpr std::chrono::milliseconds kSlice{20};  // between two looks for lost members
constexpr int kPausesBetweenLooks = 16;          // at the clock
constexpr std::chrono::microseconds kSpin{50};
constexpr uint32_t kBroadcastCode = 16, kGatherCode = 17, kBarrierCode = 18;

static_assert(std::atomic<uint32_t>::is_always_lock_free);
static_assert(std::atomic<uint64_t>::is_always_lock_free);

void pause_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void sleep_while(const std::atomic<uint32_t>& word, uint32_t value) {
  const timespec slice = {0, std::chrono::nanoseconds(kSlice).count()};
  syscall(SYS_futex, &word, FUTEX_WAIT, value, &slice, nullptr, 0);
}

void wake_all(const std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

int64_t nanoseconds(HostClock::time_point time) { return time.time_since_epoch().count(); }

template <class T>
T combine(Reduction reduction, T a, T b) {
  return reduction == Reduction::kSum ? a + b : std::max(a, b);
}

// into = first (+) second; in blocks of a fixed size, which the compiler makes vectors of.
template <Reduction kReduction, class T>
void combine_all(T* into, const T* first, const T* second, size_t count) {
  constexpr size_t kBlock = 16;
  size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    std::array<T, kBlock> block;
    for (size_t k = 0; k < kBlock; ++k) block[k] = combine(kReduction, first[i + k], second[i + k]);
    std::memcpy(into + i, block.data(), sizeof block);
  }
  for (; i < count; ++i) into[i] = combine(kReduction, first[i], second[i]);
}

template <class T>
constexpr uint32_t type_code() {
  return uint32_t(sizeof(T)) * 2 + (std::is_floating_point_v<T> ? 1 : 0);
}

std::string name_of(uint32_t code) {
  switch (code) {
    case kBroadcastCode:
      return "a broadcast";
    case kGatherCode:
      return "an all-gather";
    case kBarrierCode:
      return "a barrier";
    default:
      return "an all-reduce";
  }
}

}  // namespace

struct HostCollectives::Call {
  uint32_t code = 0;    // a Reduction, or one of the codes above
  uint32_t detail = 0;  // type or root
  uint64_t bytes = 0;   // of the whole call
  uint64_t begin = 0;   // of this round
  bool operator==(const Call&) const = default;
};

struct alignas(kLine) HostCollectives::Board {
  std::atomic<uint64_t> arrivals;                  // in all rounds
  alignas(kLine) std::atomic<uint32_t> completed;  // the last round in which all arrived; a futex
  std::atomic<uint32_t> sleepers;
};

struct alignas(kLine) HostCollectives::Member {
  std::atomic<uint64_t> round;  // in which it has arrived
  struct Slot {
    Call call;
    int64_t arrival;  // nanoseconds
  };
  std::array<Slot, 2> slots;  // by even and odd rounds
};

size_t HostCollectives::bytes_needed(int64_t size, size_t slot_bytes) {
  return sizeof(Board) + size_t(size) * (sizeof(Member) + 2 * slot_bytes);
}

HostCollectives::HostCollectives(void* memory, HostPlan plan)
    : memory_(static_cast<std::byte*>(memory)), plan_(std::move(plan)) {}

HostCollectives::Board& HostCollectives::board() const {
  return *reinterpret_cast<Board*>(memory_);
}

HostCollectives::Member& HostCollectives::member(int64_t rank) const {
  return reinterpret_cast<Member*>(memory_ + sizeof(Board))[rank];
}

std::byte* HostCollectives::slot(int64_t rank) const {
  const size_t index = size_t(2 * rank) + round_ % 2;
  return memory_ + sizeof(Board) + size_t(plan_.size) * sizeof(Member) + index * plan_.slot_bytes;
}

// read(begin, bytes): the slots hold that part of everybody's.
template <class Read>
void HostCollectives::run(Call call, const void* mine, size_t count, Read read) {
  const std::lock_guard lock(mutex_);
  size_t begin = 0;
  do {
    const auto start = HostClock::now();
    ++round_;
    const size_t part = std::min(plan_.slot_bytes, count - begin);
    call.begin = begin;
    if (mine != nullptr && part > 0) {
      std::memcpy(slot(plan_.rank), static_cast<const std::byte*>(mine) + begin, part);
    }
    Member::Slot& own = member(plan_.rank).slots[round_ % 2];
    own.call = call;
    own.arrival = nanoseconds(HostClock::now());
    arrive();
    wait();
    expect_same_call(call);
    int64_t last = 0;
    for (int64_t rank = 0; rank < plan_.size; ++rank) {
      last = std::max(last, member(rank).slots[round_ % 2].arrival);
    }
    read(begin, part);
    const double waited = 1e-9 * double(last - own.arrival);
    times_.waiting += waited;
    times_.exchanging += std::chrono::duration<double>(HostClock::now() - start).count() - waited;
    begin += part;
  } while (begin < count);
}

void HostCollectives::arrive() {
  Board& all = board();
  member(plan_.rank).round.store(round_, std::memory_order_release);
  if (all.arrivals.fetch_add(1, std::memory_order_acq_rel) + 1 != round_ * uint64_t(plan_.size)) {
    return;
  }
  // Sequentially consistent, as in wait(): either this sees the sleeper, or that sees the round.
  all.completed.store(uint32_t(round_));
  if (all.sleepers.load() != 0) wake_all(all.completed);
}

bool HostCollectives::is_complete() const {
  return int32_t(board().completed.load() - uint32_t(round_)) >= 0;
}

void HostCollectives::wait() {
  const auto start = HostClock::now();
  if (plan_.spin.count() > 0) {
    do {
      for (int i = 0; i < kPausesBetweenLooks; ++i) {
        if (is_complete()) return;
        pause_processor();
      }
    } while (HostClock::now() - start < plan_.spin);
  }
  Board& all = board();
  all.sleepers.fetch_add(1);
  try {
    sleep_until_complete(start);
  } catch (...) {
    all.sleepers.fetch_sub(1);
    throw;
  }
  all.sleepers.fetch_sub(1);
}

void HostCollectives::sleep_until_complete(HostClock::time_point start) const {
  auto last_look = start;
  for (;;) {
    const uint32_t completed = board().completed.load();
    if (is_complete()) return;
    sleep_while(board().completed, completed);
    const auto now = HostClock::now();
    if (now - last_look < kSlice) continue;
    last_look = now;
    // Also where the last one died between its arrival and its telling.
    if (have_all_arrived()) return;
    look_for_losses();
    if (now - start > plan_.timeout) throw HostFailure("timed out waiting for a member");
  }
}

bool HostCollectives::have_all_arrived() const {
  for (int64_t rank = 0; rank < plan_.size; ++rank) {
    if (member(rank).round.load(std::memory_order_acquire) < round_) return false;
  }
  return true;
}

void HostCollectives::look_for_losses() const {
  for (int64_t rank = 0; rank < plan_.size; ++rank) {
    // In this order: it may have arrived and left since.
    if (rank == plan_.rank || !plan_.is_gone || !plan_.is_gone(rank)) continue;
    if (member(rank).round.load(std::memory_order_acquire) < round_) {
      throw HostFailure("the connection to member " + std::to_string(rank) + " is closed");
    }
  }
}

void HostCollectives::expect_same_call(const Call& call) const {
  for (int64_t rank = 0; rank < plan_.size; ++rank) {
    const Call& theirs = member(rank).slots[round_ % 2].call;
    if (theirs == call) continue;
    throw HostFailure("the ranks take different turns: member " + std::to_string(rank) + " is in " +
                      name_of(theirs.code) + " of " + std::to_string(theirs.bytes) +
                      " bytes, member " + std::to_string(plan_.rank) + " in " + name_of(call.code) +
                      " of " + std::to_string(call.bytes) + " bytes");
  }
}

template <class T>
void HostCollectives::all_reduce(Reduction reduction, T* values, size_t count) {
  const Call call = {uint32_t(reduction), type_code<T>(), count * sizeof(T), 0};
  run(call, values, count * sizeof(T), [&](size_t begin, size_t bytes) {
    T* into = values + begin / sizeof(T);
    const auto of = [&](int64_t rank) { return reinterpret_cast<const T*>(slot(rank)); };
    const T* so_far = of(0);
    for (int64_t rank = 1; rank < plan_.size; ++rank) {
      const auto combine_both = reduction == Reduction::kSum ? combine_all<Reduction::kSum, T>
                                                             : combine_all<Reduction::kMax, T>;
      combine_both(into, so_far, of(rank), bytes / sizeof(T));
      so_far = into;
    }
  });
}

template void HostCollectives::all_reduce(Reduction, float*, size_t);
template void HostCollectives::all_reduce(Reduction, double*, size_t);
template void HostCollectives::all_reduce(Reduction, int32_t*, size_t);
template void HostCollectives::all_reduce(Reduction, int64_t*, size_t);

void HostCollectives::broadcast(void* bytes, size_t count, int64_t root) {
  const bool is_root = plan_.rank == root;
  run({kBroadcastCode, uint32_t(root), count, 0},
      is_root ? bytes : nullptr,
      count,
      [&](size_t begin, size_t part) {
        if (!is_root) std::memcpy(static_cast<std::byte*>(bytes) + begin, slot(root), part);
      });
}

void HostCollectives::all_gather(const void* mine,
                                 size_t count,
                                 const std::vector<void*>& by_rank) {
  run({kGatherCode, 0, count, 0}, mine, count, [&](size_t begin, size_t part) {
    for (int64_t rank = 0; rank < plan_.size; ++rank) {
      std::memcpy(static_cast<std::byte*>(by_rank[size_t(rank)]) + begin, slot(rank), part);
    }
  });
}

void HostCollectives::barrier() {
  run({kBarrierCode, 0, 0, 0}, nullptr, 0, [](size_t, size_t) {});
}

std::chrono::nanoseconds spin_time(int64_t members, int64_t ranks_on_host, int64_t processors) {
  if (members > processors || ranks_on_host > processors) return std::chrono::nanoseconds(0);
  return kSpin;
}

}  // namespace dtrain::dist
