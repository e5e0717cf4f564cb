#include "dist/host_meeting.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace dtrain::dist {
namespace {

using MeetingClock = std::chrono::steady_clock;

constexpr int64_t kMaxMembers = 256;
constexpr int kLookAround = 10;  // ms between two looks at the board
constexpr const char* kDone = "done";

std::string random_letters() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) {
    throw std::runtime_error("no random numbers");
  }
  std::string letters;
  for (const unsigned char byte : bytes) {
    letters += "0123456789abcdef"[byte >> 4];
    letters += "0123456789abcdef"[byte & 15];
  }
  return letters;
}

std::string key_of(const char* what, int64_t rank) {
  return std::string("host/") + what + "/" + std::to_string(rank);
}

// Sets this rank's text and reads that of all.
std::vector<std::string> tell_all(const NoticeBoard& board,
                                  const MeetingPlan& plan,
                                  const char* what,
                                  const std::string& mine) {
  board.set(key_of(what, plan.rank), mine);
  std::vector<std::string> all;
  for (int64_t rank = 0; rank < plan.size; ++rank) all.push_back(board.get(key_of(what, rank)));
  return all;
}

int64_t milliseconds_until(MeetingClock::time_point end) {
  const auto left = end - MeetingClock::now();
  return std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
}

// The first rank's side: a socket that others find, and the memory.
struct Invitation {
  std::string name = "dtrain-" + random_letters();  // anyone on the host can list it
  std::string secret = random_letters();            // the board alone tells it
  Descriptor listening = listen_locally(name);
  SharedMemory memory;
  explicit Invitation(size_t bytes) : memory(SharedMemory::create(bytes)) {}
};

// The rank that a new connection is from, which has proved that it belongs to the group.
int64_t greet(const Descriptor& connected, const Invitation& invitation, int64_t size) {
  expect_same_user(connected);
  const std::string hello = receive_message(connected, 1000).text;
  const size_t space = hello.find(' ');
  if (space == std::string::npos || hello.substr(space + 1) != invitation.secret) {
    throw std::runtime_error("a stranger has connected");
  }
  const int64_t rank = std::stoll(hello);
  if (rank < 1 || rank >= size) throw std::runtime_error("a stranger has connected");
  return rank;
}

// Waits for all others; strangers are turned away.
std::vector<Descriptor> receive_guests(const NoticeBoard& board,
                                       const MeetingPlan& plan,
                                       const Invitation& invitation) {
  const auto end = MeetingClock::now() + plan.timeout;
  std::vector<Descriptor> guests(size_t(plan.size));
  for (int64_t missing = plan.size - 1; missing > 0;) {
    if (MeetingClock::now() > end) throw std::runtime_error("a rank did not join in time");
    pollfd ready = {invitation.listening.number(), POLLIN, 0};
    if (poll(&ready, 1, kLookAround) <= 0) {
      for (int64_t rank = 1; rank < plan.size; ++rank) {
        // It cannot have everything yet: it has given up.
        if (board.has(key_of("joined", rank))) throw std::runtime_error("a rank could not join");
      }
      continue;
    }
    Descriptor connected(accept4(invitation.listening.number(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connected) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      throw std::runtime_error("no rank can be let in");  // no descriptors left, for instance
    }
    try {
      Descriptor& place = guests[size_t(greet(connected, invitation, plan.size))];
      if (place) continue;
      place = std::move(connected);
      --missing;
    } catch (const std::exception&) {
    }
  }
  return guests;
}

HostMeeting host_meeting(const NoticeBoard& board, const MeetingPlan& plan, Invitation& own) {
  std::vector<Descriptor> guests = receive_guests(board, plan, own);
  for (int64_t rank = 1; rank < plan.size; ++rank) {
    send_message(guests[size_t(rank)], "memory", own.memory.descriptor());
  }
  for (int64_t a = 1; a < plan.size; ++a) {
    for (int64_t b = a + 1; b < plan.size; ++b) {
      std::array<int, 2> ends{};
      if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::runtime_error("no sockets left");
      }
      const Descriptor first(ends[0]), second(ends[1]);
      send_message(guests[size_t(a)], std::to_string(b), first.number());
      send_message(guests[size_t(b)], std::to_string(a), second.number());
    }
  }
  return {std::move(own.memory), std::move(guests)};
}

HostMeeting join_meeting(const MeetingPlan& plan, const std::string& offer) {
  const auto end = MeetingClock::now() + plan.timeout;
  const size_t space = offer.find(' ');
  if (space == std::string::npos) throw std::runtime_error("no memory is offered");
  std::vector<Descriptor> peers(size_t(plan.size));
  Descriptor host = connect_locally(offer.substr(0, space));
  expect_same_user(host);
  send_message(host, std::to_string(plan.rank) + offer.substr(space));
  SharedMemory memory =
      SharedMemory::adopt(receive_message(host, milliseconds_until(end)).descriptor, plan.bytes);
  for (int64_t others = plan.size - 2; others > 0; --others) {
    LocalMessage message = receive_message(host, milliseconds_until(end));
    if (!message.descriptor) throw std::runtime_error("a socket to a peer did not arrive");
    peers.at(size_t(std::stoll(message.text))) = std::move(message.descriptor);
  }
  peers[0] = std::move(host);
  return {std::move(memory), std::move(peers)};
}

bool all_equal(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (text != texts.front()) return false;
  }
  return true;
}

}  // namespace

std::string host_identity() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::array<char, PATH_MAX> name_space{};
  const ssize_t length = readlink("/proc/self/ns/net", name_space.data(), name_space.size() - 1);
  if (boot.empty() || length <= 0) return {};
  return boot + "/" + name_space.data();
}

// Note [All or none]
std::optional<HostMeeting> meet_on_host(const NoticeBoard& board, const MeetingPlan& plan) {
  if (plan.size < 2 || plan.size > kMaxMembers) return std::nullopt;
  const std::string host = plan.wanted ? host_identity() : std::string();
  const std::vector<std::string> hosts = tell_all(board, plan, "is", host.empty() ? "-" : host);
  if (!all_equal(hosts) || hosts.front() == "-") return std::nullopt;
  std::optional<Invitation> invitation;
  std::optional<HostMeeting> meeting;
  try {
    if (plan.rank == 0) invitation.emplace(plan.bytes);
  } catch (const std::exception&) {
  }
  if (plan.rank == 0) {
    board.set("host/offer", invitation ? invitation->name + " " + invitation->secret : "none");
  }
  const std::string offer = board.get("host/offer");
  if (offer == "none") return std::nullopt;
  try {
    meeting.emplace(plan.rank == 0 ? host_meeting(board, plan, *invitation)
                                   : join_meeting(plan, offer));
  } catch (const std::exception&) {
  }
  // Who has connected and was not let in waits no longer, and nobody else connects.
  if (!meeting) invitation.reset();
  for (const std::string& text : tell_all(board, plan, "joined", meeting ? kDone : "no")) {
    if (text != kDone) return std::nullopt;
  }
  return meeting;
}

}  // namespace dtrain::dist
