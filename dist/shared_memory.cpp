#include "dist/shared_memory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace dtrain::dist {
namespace {

constexpr size_t kMessageBytes = 256;
constexpr int kWaitingConnections = 256;

int expect_number(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), call);
  return result;
}

sockaddr_un local_address(const std::string& name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() > 64) throw std::runtime_error("bad name of a local socket");
  std::copy(name.begin(), name.end(), address.sun_path + 1);  // a leading zero: not a file
  return address;
}

socklen_t local_address_length(const std::string& name) {
  return socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

Descriptor local_socket() {
  return Descriptor(
      expect_number(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "a local socket"));
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

SharedMemory::SharedMemory(Descriptor descriptor, size_t bytes)
    : descriptor_(std::move(descriptor)), bytes_(bytes) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_.number(), 0);
  if (address == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "mapping shared memory");
  }
  address_ = address;
}

SharedMemory SharedMemory::create(size_t bytes) {
  Descriptor memory(
      expect_number(memfd_create("dtrain", MFD_CLOEXEC | MFD_ALLOW_SEALING), "shared memory"));
  expect_number(ftruncate(memory.number(), off_t(bytes)), "room for shared memory");
  expect_number(fcntl(memory.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                "sealing shared memory");
  return {std::move(memory), bytes};
}

SharedMemory SharedMemory::adopt(Descriptor descriptor, size_t bytes) {
  struct stat status = {};
  expect_number(fstat(descriptor.number(), &status), "looking at shared memory");
  const int seals =
      expect_number(fcntl(descriptor.number(), F_GET_SEALS), "the seals of shared memory");
  if (size_t(status.st_size) != bytes || (seals & F_SEAL_SHRINK) == 0) {
    throw std::runtime_error("shared memory of another size, or whose size is not sealed");
  }
  return {std::move(descriptor), bytes};
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : descriptor_(std::move(other.descriptor_)),
      address_(std::exchange(other.address_, nullptr)),
      bytes_(other.bytes_) {}

SharedMemory::~SharedMemory() {
  if (address_ != nullptr) munmap(address_, bytes_);
}

Descriptor listen_locally(const std::string& name) {
  Descriptor listening = local_socket();
  const sockaddr_un address = local_address(name);
  expect_number(bind(listening.number(),
                     reinterpret_cast<const sockaddr*>(&address),
                     local_address_length(name)),
                "naming a local socket");
  expect_number(listen(listening.number(), kWaitingConnections), "listening to a local socket");
  return listening;
}

Descriptor connect_locally(const std::string& name) {
  Descriptor connected = local_socket();
  const sockaddr_un address = local_address(name);
  expect_number(connect(connected.number(),
                        reinterpret_cast<const sockaddr*>(&address),
                        local_address_length(name)),
                "connecting to a local socket");
  return connected;
}

void expect_same_user(const Descriptor& socket) {
  ucred peer = {};
  socklen_t length = sizeof peer;
  expect_number(getsockopt(socket.number(), SOL_SOCKET, SO_PEERCRED, &peer, &length),
                "the user at the other end");
  if (peer.uid != geteuid()) throw std::runtime_error("a process of another user has connected");
}

void send_message(const Descriptor& socket, const std::string& text, int descriptor) {
  if (text.empty() || text.size() > kMessageBytes) throw std::runtime_error("bad local message");
  iovec part = {const_cast<char*>(text.data()), text.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  expect_number(int(sendmsg(socket.number(), &message, MSG_NOSIGNAL)), "sending to a local socket");
}

LocalMessage receive_message(const Descriptor& socket, int64_t timeout_ms) {
  pollfd ready = {socket.number(), POLLIN, 0};
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  int count = 0;
  do {  // a signal ends poll() early
    const auto left = end - std::chrono::steady_clock::now();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
    count = poll(&ready, 1, int(std::max<int64_t>(0, ms)));
  } while (count < 0 && errno == EINTR);
  if (expect_number(count, "waiting at a local socket") == 0) {
    throw std::runtime_error("nothing came over a local socket in time");
  }
  std::array<char, kMessageBytes> text;
  iovec part = {text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t length = recvmsg(socket.number(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  expect_number(int(length), "reading a local socket");
  LocalMessage received{std::string(text.data(), size_t(length)), Descriptor()};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
    received.descriptor = Descriptor(descriptor);
  }
  if (length == 0) throw std::runtime_error("the other end of a local socket is closed");
  return received;
}

bool is_hung_up(const Descriptor& socket) {
  pollfd state = {socket.number(), POLLRDHUP, 0};
  return poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace dtrain::dist
