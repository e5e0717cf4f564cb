#include "checkpoint/differences.h"

#include <c10/core/ScalarType.h>

#include "util/text.h"

namespace dtrain::checkpoint {
namespace {

constexpr int64_t kNamed = 5;

}  // namespace

std::string type_and_shape(const at::Tensor& tensor) {
  return std::string(c10::toString(tensor.scalar_type())) + "[" +
         util::joined(tensor.sizes(), ",") + "]";
}

void Differences::add(const std::string& text) {
  if (count_++ < kNamed) text_ += (text_.empty() ? "" : "; ") + text;
}

std::string Differences::text() const {
  return count_ <= kNamed ? text_ : text_ + "; and " + std::to_string(count_ - kNamed) + " more";
}

}  // namespace dtrain::checkpoint
