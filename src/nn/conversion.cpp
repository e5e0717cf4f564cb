#include "nn/conversion.h"

#include <ATen/ATen.h>

namespace dtrain::nn {

void set_dtype(torch::nn::Module& module, at::ScalarType dtype) {
  const auto convert = [dtype](at::Tensor& t) {
    if (t.is_floating_point()) {
      t.set_data(t.to(dtype));
    }
  };
  for (at::Tensor& t : module.parameters()) convert(t);
  for (at::Tensor& t : module.buffers()) convert(t);
}

void set_memory_format(torch::nn::Module& module, at::MemoryFormat format) {
  for (at::Tensor& t : module.parameters()) {
    if (t.dim() == 4) {
      t.set_data(t.contiguous(format));
    }
  }
}

}  // namespace dtrain::nn
