// Hands tensors to Python: safetensors.torch.load_file(path) reads what this writes.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"

namespace dtrain::testing {

inline checkpoint::Dtype safetensors_dtype(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return checkpoint::Dtype::kF32;
    case at::kDouble:
      return checkpoint::Dtype::kF64;
    case at::kLong:
      return checkpoint::Dtype::kI64;
    case at::kByte:
      return checkpoint::Dtype::kU8;
    default:
      throw std::runtime_error(std::string("write_tensors: no type for ") + tensor.toString());
  }
}

// float32, float64, int64 and uint8; row-major in the file whatever the layout in memory.
inline void write_tensors(const std::filesystem::path& path,
                          const checkpoint::NamedTensors& tensors) {
  std::vector<checkpoint::TensorSpec> specs;
  for (const auto& [name, tensor] : tensors) {
    specs.push_back({name, safetensors_dtype(tensor), tensor.sizes().vec()});
  }
  at::Tensor current;  // alive while its bytes are written
  checkpoint::write_safetensors(path, specs, {{"format", "pt"}}, [&](size_t i) {
    current = tensors[i].second.detach().to(at::kCPU).contiguous();
    return current.const_data_ptr();
  });
}

}  // namespace dtrain::testing
