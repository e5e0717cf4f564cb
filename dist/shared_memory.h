// Memory that the ranks of one host share, and the sockets over which they get hold of it.
//
// Note [No name]
// The memory is a memfd: it has no name in any file system, so that no other user can open it and
// nothing is left of it after the last of its processes, however that ended. Its descriptor is
// handed over a Unix socket. Its size is sealed: nobody can cut it short under a reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace dtrain::dist {

// Owns a file descriptor; -1: none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// A mapping of shared memory, zero when it is created. Every call throws std::system_error or
// std::runtime_error where the system refuses, or where what was received is not what it should be.
class SharedMemory {
 public:
  static SharedMemory create(size_t bytes);
  static SharedMemory adopt(Descriptor descriptor, size_t bytes);  // from create() elsewhere
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  void* address() const { return address_; }
  size_t bytes() const { return bytes_; }
  int descriptor() const { return descriptor_.number(); }

 private:
  SharedMemory(Descriptor descriptor, size_t bytes);

  Descriptor descriptor_;
  void* address_ = nullptr;
  size_t bytes_ = 0;
};

// Sockets that keep messages apart, in the name space that is not in the file system. They end with
// their process. `name` is at most 64 characters.
Descriptor listen_locally(const std::string& name);
Descriptor connect_locally(const std::string& name);

// Throws unless the process at the other end belongs to this user.
void expect_same_user(const Descriptor& socket);

// One message of at most 256 bytes with at most one descriptor. receive_message() waits up to
// timeout_ms and throws when nothing has come or the other side is gone.
void send_message(const Descriptor& socket, const std::string& text, int descriptor = -1);
struct LocalMessage {
  std::string text;
  Descriptor descriptor;
};
LocalMessage receive_message(const Descriptor& socket, int64_t timeout_ms);

// The other end is closed or shut down, or this one is.
bool is_hung_up(const Descriptor& socket);

}  // namespace dtrain::dist
