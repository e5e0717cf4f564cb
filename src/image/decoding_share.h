// How much memory the threads of a process spend on large pictures together.
#pragma once

#include <cstdint>

#include "image/decoder.h"
#include "image/header.h"
#include "util/byte_budget.h"

namespace dtrain::image {

// A part of Limits::max_memory, which all threads of the process share, so that what they take does
// not grow with their number. Waits until there is enough; who needs more than all of it is alone.
//
//   const DecodingShare share(memory_to_decode(header, exact), decoded);
//   decode(..., decoded);
//   use(decoded);                  // before the share ends
class DecodingShare {
 public:
  // Where `bytes` are many, `decoded` is emptied at the end and its memory goes back to the system:
  // malloc would keep tens of MB for each thread.
  DecodingShare(int64_t bytes, Decoded& decoded);
  ~DecodingShare();
  DecodingShare(const DecodingShare&) = delete;
  DecodingShare& operator=(const DecodingShare&) = delete;

 private:
  util::ByteBudget::Share share_;
  Decoded* decoded_;  // or null
};

}  // namespace dtrain::image
