// Work for groups of ranks: a group that has none asks, and rank 0 answers, whatever else it does.
//
//   MpiWorkQueue queue(world, [&](int64_t rank, const std::string& said) { return next(...); });
//   if (group.rank() == 0) answer = queue.ask("member 3 is done");
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "dist/mpi_scope.h"

namespace dtrain::dist {

// Messages go over MPI, on a communicator of the queue's own. A thread on rank 0 looks for them
// some times a second: work is large.
class MpiWorkQueue {
 public:
  // What rank 0 answers `rank` that said `text`. One call at a time, on any thread of rank 0; an
  // exception ends all ranks.
  using Answer = std::function<std::string(int64_t rank, const std::string& text)>;

  // Collective; `answer` is used on rank 0 only.
  MpiWorkQueue(const MpiScope& world, Answer answer);
  // Not collective: nobody may ask rank 0 any more, which a barrier makes sure of.
  ~MpiWorkQueue();
  MpiWorkQueue(const MpiWorkQueue&) = delete;
  MpiWorkQueue& operator=(const MpiWorkQueue&) = delete;

  // From any rank, one call at a time on each; waits for the answer without spinning.
  std::string ask(const std::string& text);

 private:
  class Server;
  struct Channel;
  int64_t rank_, size_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Server> server_;  // on rank 0
};

}  // namespace dtrain::dist
