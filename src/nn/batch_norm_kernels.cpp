// Which of the compiled kernels this processor can run.
#include "nn/batch_norm_kernels.h"

namespace dtrain::nn::kernels {

#if defined(__x86_64__)
extern const KernelSet kAvx512Bf16Kernels;
extern const KernelSet kAvx512Kernels;
extern const KernelSet kAvx2Kernels;
#endif
extern const KernelSet kBaselineKernels;

const std::vector<const KernelSet*>& available_kernels() {
  static const std::vector<const KernelSet*> available = [] {
    std::vector<const KernelSet*> sets;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
      if (__builtin_cpu_supports("avx512bf16")) sets.push_back(&kAvx512Bf16Kernels);
      sets.push_back(&kAvx512Kernels);
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      sets.push_back(&kAvx2Kernels);
    }
#endif
    sets.push_back(&kBaselineKernels);
    return sets;
  }();
  return available;
}

template <>
const BatchNormKernels<Bf16>& best_kernels() {
  return available_kernels().front()->bf16;
}
template <>
const BatchNormKernels<float>& best_kernels() {
  return available_kernels().front()->f32;
}
template <>
const BatchNormKernels<double>& best_kernels() {
  return available_kernels().front()->f64;
}

}  // namespace dtrain::nn::kernels
