// The loops of batch norm over channels-last memory, once for each instruction set.
//
// All work on a matrix of rows x channels (row = one position of one image) and touch each value
// once, or twice while it is in the first-level cache. They use no threads: the caller cuts the
// rows into strips (batch_norm.cpp).
#pragma once

#include <cstdint>
#include <vector>

namespace dtrain::nn::kernels {

// bfloat16 is handled as its bits: this header is also read by files that know nothing of torch.
struct Bf16 {
  uint16_t bits;
};

template <class T>
struct Accumulator {
  using Type = float;
};
template <>
struct Accumulator<double> {
  using Type = double;
};
template <class T>
using Acc = typename Accumulator<T>::Type;

// What a ReLU after the normalisation lets through in backward.
enum class Mask {
  kNone,        // there was no ReLU
  kFromInput,   // no residual: the sign is that of (x - mean) * scale + bias, computed again
  kFromOutput,  // a residual was added: look at the saved output
};

// Vectors per channel are of type Acc<T> and length `channels`.
template <class T>
struct BatchNormKernels {
  // The mean, as base + offset to keep the bits that a large base would push out, and the sum of
  // squared deviations from it; rows > 0; scratch: 3 * channels.
  void (*statistics)(const T* x,
                     int64_t rows,
                     int64_t channels,
                     Acc<T>* base,
                     Acc<T>* offset,
                     Acc<T>* squares,
                     Acc<T>* scratch);

  // y = relu?((x - mean) * scale + bias + residual?); residual may be null.
  void (*normalise)(const T* x,
                    const T* residual,
                    bool relu,
                    T* y,
                    int64_t rows,
                    int64_t channels,
                    const Acc<T>* mean,
                    const Acc<T>* scale,
                    const Acc<T>* bias);

  // With g = dy where the ReLU let it through, else 0: sums of g and of g * (x - mean). y and
  // masked are for kFromOutput only: g is also written to `masked`. scratch: 2 * channels.
  void (*backward_sums)(Mask mask,
                        const T* dy,
                        const T* x,
                        const T* y,
                        T* masked,
                        int64_t rows,
                        int64_t channels,
                        const Acc<T>* mean,
                        const Acc<T>* scale,
                        const Acc<T>* bias,
                        Acc<T>* sum,
                        Acc<T>* sum_centred,
                        Acc<T>* scratch);

  // dx = scale * g + slope * (x - mean) + offset; mask is kNone (dy is g) or kFromInput.
  void (*backward_input)(Mask mask,
                         const T* dy,
                         const T* x,
                         T* dx,
                         int64_t rows,
                         int64_t channels,
                         const Acc<T>* mean,
                         const Acc<T>* scale,
                         const Acc<T>* bias,
                         const Acc<T>* slope,
                         const Acc<T>* offset);

  // The whole from strips of counts[i] rows, whose results of statistics() stand `stride` apart.
  void (*merge_statistics)(const Acc<T>* bases,
                           const Acc<T>* offsets,
                           const Acc<T>* squares,
                           int64_t stride,
                           const int64_t* counts,
                           int64_t strips,
                           int64_t channels,
                           double* mean,
                           double* total_squares);

  // total[c] = sum over strips of parts[strip * stride + c].
  void (*merge_sums)(
      const Acc<T>* parts, int64_t stride, int64_t strips, int64_t channels, double* total);
};

struct KernelSet {
  const char* instructions;  // "avx512_bf16", "avx512", "avx2", "baseline"
  BatchNormKernels<Bf16> bf16;
  BatchNormKernels<float> f32;
  BatchNormKernels<double> f64;
};

// Those that this processor can run, the fastest first; never empty.
const std::vector<const KernelSet*>& available_kernels();

template <class T>
const BatchNormKernels<T>& best_kernels();

}  // namespace dtrain::nn::kernels
