// Which group of ranks trains which member of an ensemble next: longest members first, so that the
// groups end at about the same time.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace dtrain::ensemble {

// The members that are left to train, handed out one at a time.
//
//   EnsemblePlan plan({5, 3, 3, 1}, {2, 1}, {});  // costs of four members; groups of 2 and 1 ranks
//   plan.next(0)  -> 0                            // the longest, to the larger group
class EnsemblePlan {
 public:
  // `costs` > 0, in any unit, of all members; a group of n ranks is taken to be n times as fast as
  // one. `done` marks members that need no training; empty: all do.
  EnsemblePlan(std::vector<double> costs,
               std::vector<int64_t> group_sizes,
               std::vector<bool> done = {});

  // What a group trains that has become free. Nothing: no more, for the other groups will sooner be
  // done with what is left, or nothing is left; it is not asked again. All that is left is planned
  // anew each time (longest first, each to the group that ends it first: Graham 1969), so a group
  // that is early takes over what was meant for one that is late.
  std::optional<int64_t> next(int64_t group);

 private:
  std::vector<double> costs_;
  std::vector<int64_t> group_sizes_;
  std::vector<bool> taken_, retired_;
  std::vector<double> ends_;  // of each group, by the costs of what it was given
};

}  // namespace dtrain::ensemble
