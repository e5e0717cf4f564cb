#include "checkpoint/differences.h"

#include <c10/core/ScalarType.h>

namespace dtrain::checkpoint {
namespace {

constexpr int64_t kNamed = 5;

}  // namespace

std::string type_and_shape(const at::Tensor& tensor) {
  std::string text = std::string(c10::toString(tensor.scalar_type())) + "[";
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    text += (i > 0 ? "," : "") + std::to_string(tensor.size(i));
  }
  return text + "]";
}

void Differences::add(const std::string& text) {
  if (count_++ < kNamed) text_ += (text_.empty() ? "" : "; ") + text;
}

std::string Differences::text() const {
  return count_ <= kNamed ? text_ : text_ + "; and " + std::to_string(count_ - kNamed) + " more";
}

}  // namespace dtrain::checkpoint
