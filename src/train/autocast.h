// Mixed precision for a scope, and which precision `auto` means.
#pragma once

#include <optional>
#include <string>

#include <ATen/ATen.h>

namespace dtrain::train {

enum class Precision { kBFloat16, kFloat16, kFloat32, kFloat64 };

// "auto" resolved for the device: bfloat16 where the processor (AVX512-BF16 or AMX) or the GPU
// (compute capability 8.0 and later) multiplies it, else float32.
Precision resolve_precision(const std::string& name, const at::Device& device);
std::string to_string(Precision precision);

// The dtype of weights and images: float64 for kFloat64, else float32.
at::ScalarType weight_dtype(Precision precision);

// Autocast to bfloat16 or float16 while it lives, when the precision asks for it; the cache of cast
// weights is dropped at the end, because the next step changes the weights.
class AutocastScope {
 public:
  AutocastScope(Precision precision, const at::Device& device);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  at::DeviceType device_;
  bool active_;
  bool was_enabled_ = false;
  at::ScalarType previous_dtype_ = at::kFloat;
};

}  // namespace dtrain::train
