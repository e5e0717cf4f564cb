// What differs between tensors that should be alike, as one line that names the first few.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace dtrain::checkpoint {

// "Float[64,3,7,7]"
std::string type_and_shape(const at::Tensor& tensor);

class Differences {
 public:
  void add(const std::string& text);
  bool empty() const { return count_ == 0; }
  std::string text() const;

 private:
  int64_t count_ = 0;
  std::string text_;
};

}  // namespace dtrain::checkpoint
