#include "image/decoding_share.h"

#include <malloc.h>

namespace dtrain::image {
namespace {

constexpr int64_t kLargeBytes = 4 << 20;

util::ByteBudget& budget() {
  static util::ByteBudget shared(Limits{}.max_memory);
  return shared;
}

}  // namespace

DecodingShare::DecodingShare(int64_t bytes, Decoded& decoded)
    : share_(budget().take(bytes > kLargeBytes ? bytes : 0)),
      decoded_(bytes > kLargeBytes ? &decoded : nullptr) {}

DecodingShare::~DecodingShare() {
  if (decoded_ == nullptr) return;
  *decoded_ = {};
  ::malloc_trim(0);
}

}  // namespace dtrain::image
