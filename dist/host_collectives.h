// Collective operations between processes that share memory, without a system call where all are
// quick.
//
//   HostCollectives ranks(memory.address(), {.rank = 0, .size = 2});
//   ranks.all_reduce(Reduction::kSum, sums, 129);      // the same bits on every rank
//
// Note [One round]
// Every member has two slots, for even and odd rounds. A round: it copies its part into its slot,
// arrives, waits for all, and reads the slots of the others. No slot is written while somebody may
// still read it: who is in round n + 2 has completed n + 1, in which all had arrived, so all are
// done with n. Sums are formed by every member, in the order of ranks.
//
// Waiting is a short spin, where every member can have a processor of its own, then a futex. The
// slots say what their owner is about; members that take different turns find out and throw.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace dtrain::dist {

// A member is gone, late, or elsewhere. A message with "timed out" is about one that is late.
class HostFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Reduction : uint32_t { kSum, kMax };

struct HostPlan {
  int64_t rank = 0;
  int64_t size = 1;
  size_t slot_bytes = 65536;  // a multiple of 64
  std::chrono::nanoseconds spin{0};
  std::chrono::milliseconds timeout{600'000};
  // Whether a member will not come any more; asked now and then while waiting. Empty: never.
  std::function<bool(int64_t rank)> is_gone = nullptr;
};

// What rounds have cost this member. Seconds, since it was made.
struct HostTimes {
  double waiting = 0;     // for the last member to arrive
  double exchanging = 0;  // all else: copying, adding up, waking up after the last has arrived
};

class HostCollectives {
 public:
  // Bytes that the members share, zero when the first of them begins.
  static size_t bytes_needed(int64_t size, size_t slot_bytes);

  HostCollectives(void* memory, HostPlan plan);

  // All members make the same calls in the same order, with the same counts. Of any size: what does
  // not fit into a slot takes several rounds. Throws HostFailure; the object is of no use then.
  template <class T>  // float, double, int32_t, int64_t
  void all_reduce(Reduction reduction, T* values, size_t count);
  void broadcast(void* bytes, size_t count, int64_t root);
  void all_gather(const void* mine, size_t count, const std::vector<void*>& by_rank);
  void barrier();

  HostTimes times() const { return times_; }
  void set_spin(std::chrono::nanoseconds spin) { plan_.spin = spin; }

 private:
  struct Board;
  struct Member;
  struct Call;
  template <class Read>
  void run(Call call, const void* mine, size_t count, Read read);
  void arrive();
  void wait();
  bool is_complete() const;
  bool have_all_arrived() const;
  void sleep_until_complete(std::chrono::steady_clock::time_point start) const;
  void look_for_losses() const;
  void expect_same_call(const Call& call) const;
  Board& board() const;
  Member& member(int64_t rank) const;
  std::byte* slot(int64_t rank) const;

  std::byte* memory_;
  HostPlan plan_;
  uint64_t round_ = 0;
  HostTimes times_;
  std::mutex mutex_;
};

// For how long waiting members should spin: not at all where some of them have to share a
// processor. `ranks_on_host` counts those of other groups too; `processors` is what this group's
// members may use together.
std::chrono::nanoseconds spin_time(int64_t members, int64_t ranks_on_host, int64_t processors);

}  // namespace dtrain::dist
