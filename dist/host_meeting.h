// How the ranks of a group that share one host come to share memory.
//
// Note [All or none]
// Every rank says where it runs. If that is one host, the first rank makes the memory and hands it
// out, with a socket between every two ranks: it breaks when one of them dies. In the end each
// says whether it has everything. Memory is shared if all said yes, and by nobody otherwise: a
// container without these system calls costs speed, never the run.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dist/shared_memory.h"

namespace dtrain::dist {

// Where the ranks leave text for each other. get() waits and throws when nothing comes.
struct NoticeBoard {
  std::function<void(const std::string& key, const std::string& text)> set;
  std::function<std::string(const std::string& key)> get;
  std::function<bool(const std::string& key)> has;
};

struct HostMeeting {
  SharedMemory memory;
  std::vector<Descriptor> peers;  // a socket to each rank; none to the own
};

struct MeetingPlan {
  int64_t rank = 0;
  int64_t size = 1;
  bool wanted = true;  // false: this rank shares no memory
  size_t bytes = 0;
  std::chrono::milliseconds timeout{600'000};
};

// Collective; nothing on all ranks if they run on several hosts, if one does not want or could not.
// Throws what the board throws.
std::optional<HostMeeting> meet_on_host(const NoticeBoard& board, const MeetingPlan& plan);

// Equal for two processes just when they can meet: same boot of a kernel, same network name space
// (in which the sockets' names live). Empty where it cannot be told.
std::string host_identity();

}  // namespace dtrain::dist
