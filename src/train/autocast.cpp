// Mixed precision for a scope, and which precision `auto` means.
#include "train/autocast.h"

#include <ATen/autocast_mode.h>

#include "device/device.h"
#include "util/check.h"

namespace dtrain::train {
namespace {

bool multiplies_bfloat16(const at::Device& device) {
  if (device.is_cuda()) return device::gpu_properties(device).generation >= 8;
  return device.is_cpu() && (__builtin_cpu_supports("avx512bf16"));
}

}  // namespace

Precision resolve_precision(const std::string& name, const at::Device& device) {
  if (name == "auto") {
    return multiplies_bfloat16(device) ? Precision::kBFloat16 : Precision::kFloat32;
  }
  if (name == "bfloat16") return Precision::kBFloat16;
  if (name == "float16") return Precision::kFloat16;
  if (name == "float64") return Precision::kFloat64;
  check(name == "float32", "the reader admits known precisions only");
  return Precision::kFloat32;
}

std::string to_string(Precision precision) {
  switch (precision) {
    case Precision::kBFloat16:
      return "bfloat16";
    case Precision::kFloat16:
      return "float16";
    case Precision::kFloat32:
      return "float32";
    case Precision::kFloat64:
      return "float64";
  }
  return "";
}

at::ScalarType weight_dtype(Precision precision) {
  return precision == Precision::kFloat64 ? at::kDouble : at::kFloat;
}

AutocastScope::AutocastScope(Precision precision, const at::Device& device)
    : device_(device.type()),
      active_(precision == Precision::kBFloat16 || precision == Precision::kFloat16) {
  if (!active_) return;
  was_enabled_ = at::autocast::is_autocast_enabled(device_);
  previous_dtype_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_,
                                   precision == Precision::kBFloat16 ? at::kBFloat16 : at::kHalf);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, previous_dtype_);
}

}  // namespace dtrain::train
