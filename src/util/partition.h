// Cutting n things into parts of nearly the same size.
#pragma once

#include <algorithm>
#include <cstdint>

namespace dtrain::util {

// Where part `i` of `parts` begins; part i ends where part i + 1 begins, and the last at n. Sizes
// differ by at most one, the larger parts first.
inline int64_t part_begin(int64_t n, int64_t parts, int64_t i) {
  return i * (n / parts) + std::min(i, n % parts);
}

}  // namespace dtrain::util
