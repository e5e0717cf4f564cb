// Who is missing when an operation between ranks fails, and who of the rest reports it.
//
// Note [Roll call]
// Whoever notices a failure first notes it in the store, which does not depend on the broken
// connections, and then cuts its own connections, so that those who wait for it, or for someone who
// waits for it, notice too, within milliseconds. Then it waits a little for the notes of the
// others. Who has not answered is lost. If everyone has, the notes tell whether the ranks were in
// different operations. The lowest rank that answered reports.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

namespace dtrain::dist {

// A connection of this process, told apart from a later file of the same number.
struct Socket {
  int descriptor;
  ino_t inode;
  bool operator==(const Socket&) const = default;
};

// The connected TCP sockets of this process.
std::vector<Socket> connected_sockets();

// One for all groups that come from one rendezvous. Thread-safe.
class RollCall {
 public:
  // `self` is this rank in the first group; it is what notes and messages call it.
  RollCall(c10::intrusive_ptr<c10d::Store> store, int64_t self, std::chrono::milliseconds patience)
      : store_(std::move(store)), self_(self), patience_(patience) {}

  // Connections to cut: those there are now that were not there before.
  void watch(const std::vector<Socket>& before);
  void also_watch(const std::vector<Socket>& sockets);

  // Throws Error(kRetry) if this rank reports the failure, PeerFailed if another does. `members` is
  // the group that failed, `cause` the first line of what was thrown.
  [[noreturn]] void fail(const std::vector<int64_t>& members,
                         const std::string& operation,
                         const std::string& cause,
                         std::chrono::milliseconds timeout);

 private:
  void cut_connections();
  std::vector<int64_t> wait_for_notes(const std::vector<int64_t>& members);

  c10::intrusive_ptr<c10d::Store> store_;
  int64_t self_;
  std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::vector<Socket> sockets_;
};

}  // namespace dtrain::dist
