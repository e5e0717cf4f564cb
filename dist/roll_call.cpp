#include "dist/roll_call.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <thread>

#include "dist/mpi_scope.h"
#include "util/check.h"

namespace dtrain::dist {
namespace {

constexpr const char* kAdvice =
    "start again with --resume auto; if it repeats, look at that rank's log and host, or raise "
    "dist.timeout_s";

std::string note_of(int64_t rank) { return "failed/" + std::to_string(rank); }

bool contains(const std::vector<int64_t>& ranks, int64_t rank) {
  return std::find(ranks.begin(), ranks.end(), rank) != ranks.end();
}

bool is_timeout(const std::string& message) {
  return message.find("imed out") != std::string::npos ||
         message.find("imeout") != std::string::npos;
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

std::vector<Socket> connected_sockets() {
  std::vector<Socket> sockets;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  if (!folder) return sockets;
  while (const dirent* entry = readdir(folder.get())) {
    const int descriptor = std::atoi(entry->d_name);
    struct stat status = {};
    sockaddr_storage peer = {};
    socklen_t length = sizeof(peer);
    if (fstat(descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
    if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) continue;
    sockets.push_back({descriptor, status.st_ino});
  }
  return sockets;
}

void RollCall::watch(const std::vector<Socket>& before) {
  std::lock_guard lock(mutex_);
  for (const Socket& socket : connected_sockets()) {
    if (std::find(before.begin(), before.end(), socket) == before.end()) sockets_.push_back(socket);
  }
}

void RollCall::also_watch(const std::vector<Socket>& sockets) {
  std::lock_guard lock(mutex_);
  sockets_.insert(sockets_.end(), sockets.begin(), sockets.end());
}

void RollCall::cut_connections() {
  std::lock_guard lock(mutex_);
  for (const Socket& socket : sockets_) {
    struct stat status = {};
    if (fstat(socket.descriptor, &status) == 0 && status.st_ino == socket.inode) {
      shutdown(socket.descriptor, SHUT_RDWR);
    }
  }
  sockets_.clear();
}

// The members that have left no note when patience ends.
std::vector<int64_t> RollCall::wait_for_notes(const std::vector<int64_t>& members) {
  const auto end = std::chrono::steady_clock::now() + patience_;
  for (;;) {
    std::vector<int64_t> missing;
    for (const int64_t member : members) {
      if (!store_->check({note_of(member)})) missing.push_back(member);
    }
    if (missing.empty() || std::chrono::steady_clock::now() > end) return missing;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void RollCall::fail(const std::vector<int64_t>& members,
                    const std::string& operation,
                    const std::string& cause,
                    std::chrono::milliseconds timeout) {
  store_->set(note_of(self_), (is_timeout(cause) ? "timeout " : "broken ") + operation);
  cut_connections();
  const std::vector<int64_t> missing = wait_for_notes(members);
  bool timed_out = false;
  int64_t reporter = self_;
  std::string others;
  for (const int64_t member : members) {
    if (contains(missing, member)) continue;
    reporter = std::min(reporter, member);
    const std::string note = store_->get_to_str(note_of(member));
    timed_out = timed_out || note.starts_with("timeout");
    const std::string theirs = note.substr(note.find(' ') + 1);
    if (theirs != operation) others += ", rank " + std::to_string(member) + " was in " + theirs;
  }
  std::string reason;
  if (!missing.empty() && timed_out) {
    reason = list_of(missing) + " did not take part within " + seconds(timeout);
  } else if (!missing.empty()) {
    reason = "the connection to " + list_of(missing) + " was lost";
  } else if (!others.empty()) {
    reason = "the ranks are not in the same place" + others;
  } else {
    reason = "no rank is missing, but " + cause;
  }
  const Error error(ExitCode::kRetry, operation, reason, kAdvice);
  if (reporter == self_) throw error;
  throw PeerFailed(reporter, error);
}

}  // namespace dtrain::dist
