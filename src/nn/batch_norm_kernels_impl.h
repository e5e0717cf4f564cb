// Body of the kernels; included by one source file per instruction set, which is compiled with the
// flags for it and sets DTRAIN_VECTOR_BYTES and DTRAIN_KERNEL_SET.
//
// Note [No shared inline functions]
// Everything here has internal linkage and uses no library header but the intrinsics: an inline
// function that both this file and others emit would be merged by the linker, perhaps into the
// AVX-512 copy, which then crashes on an older processor.
#include "nn/batch_norm_kernels.h"

#if DTRAIN_VECTOR_BYTES > 16  // AVX2, AVX-512
#include <immintrin.h>
#endif

namespace dtrain::nn::kernels {
namespace {

constexpr int64_t kBlockBytes = 24 * 1024;  // stays in a first-level cache of 32 KiB
constexpr int kRows = 4;                    // rows handled at once share the loads per channel

// --- lanes: how a piece of a row is read, computed with and written

template <class A>
struct Vector {
  typedef A Type __attribute__((vector_size(DTRAIN_VECTOR_BYTES)));
};

template <class V, class P>
inline V read_raw(const P* from) {
  V value;
  __builtin_memcpy(&value, from, sizeof(V));
  return value;
}
template <class V, class P>
inline void write_raw(P* to, V value) {
  __builtin_memcpy(to, &value, sizeof(V));
}

// Many channels at a time. float and double are loaded as they are.
template <class T>
struct Wide {
  using V = typename Vector<T>::Type;
  static constexpr int64_t kLanes = DTRAIN_VECTOR_BYTES / sizeof(T);
  static V load(const T* p) { return read_raw<V>(p); }
  static void store(T* p, V v) { write_raw(p, v); }
  static V load_acc(const T* p) { return read_raw<V>(p); }
  static void store_acc(T* p, V v) { write_raw(p, v); }
};

// bfloat16 is the upper half of a float; rounding is to nearest, ties to even; NaN stays NaN.
// (The instruction also takes what is below the smallest normal number for zero.)
template <>
struct Wide<Bf16> {
  using V = typename Vector<float>::Type;
  using U = typename Vector<uint32_t>::Type;
  typedef uint16_t Half __attribute__((vector_size(DTRAIN_VECTOR_BYTES / 2)));
  static constexpr int64_t kLanes = DTRAIN_VECTOR_BYTES / sizeof(float);
  static V load(const Bf16* p) {
    const Half half = read_raw<Half>(p);
#if DTRAIN_VECTOR_BYTES == 64
    const U bits = U(_mm512_maskz_cvtepu16_epi32(0xffff, __m256i(half))) << 16;
#elif DTRAIN_VECTOR_BYTES == 32
    const U bits = U(_mm256_cvtepu16_epi32(__m128i(half))) << 16;
#else
    const U bits = __builtin_convertvector(half, U) << 16;
#endif
    return V(bits);
  }
  static void store(Bf16* p, V v) {
#ifdef __AVX512BF16__
    write_raw(p, _mm512_cvtneps_pbh(v));
#else
    const U bits = read_raw<U>(&v);
    const U rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const U result = (v != v) ? (U{} + 0x7fc0) : rounded;
    write_raw(p, __builtin_convertvector(result, Half));
#endif
  }
  static V load_acc(const float* p) { return read_raw<V>(p); }
  static void store_acc(float* p, V v) { write_raw(p, v); }
};

// One channel at a time, for what is left when the channels are no multiple of the lanes.
template <class T>
struct One {
  using V = T;
  static constexpr int64_t kLanes = 1;
  static V load(const T* p) { return *p; }
  static void store(T* p, V v) { *p = v; }
  static V load_acc(const T* p) { return *p; }
  static void store_acc(T* p, V v) { *p = v; }
};
template <>
struct One<Bf16> {
  using V = float;
  static constexpr int64_t kLanes = 1;
  static V load(const Bf16* p) {
    const uint32_t bits = uint32_t(p->bits) << 16;
    return read_raw<float>(&bits);
  }
  static void store(Bf16* p, V v) {
    const uint32_t bits = read_raw<uint32_t>(&v);
    p->bits = uint16_t(v != v ? 0x7fc0 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
  static V load_acc(const float* p) { return *p; }
  static void store_acc(float* p, V v) { *p = v; }
};

// f(lanes, c) for pieces of a row that cover all channels.
template <class T, class F>
inline __attribute__((always_inline)) void for_channels(int64_t channels, F f) {
  int64_t c = 0;
  for (; c + Wide<T>::kLanes <= channels; c += Wide<T>::kLanes) f(Wide<T>{}, c);
  for (; c < channels; ++c) f(One<T>{}, c);
}

// f.template operator()<n>(r) for groups of n rows that cover all rows.
template <int N, class F>
inline __attribute__((always_inline)) void for_rows(int64_t rows, F f) {
  int64_t r = 0;
  for (; r + N <= rows; r += N) f.template operator()<N>(r);
  for (; r < rows; ++r) f.template operator()<1>(r);
}

// Sum in a tree, so that rounding errors grow with the depth.
template <int N, class V, class F>
inline __attribute__((always_inline)) V tree_sum(F term) {
  if constexpr (N == 1) {
    return term(0);
  } else {
    const V low = tree_sum<N / 2, V>(term);
    return low + tree_sum<N / 2, V>([&](int i) { return term(i + N / 2); });
  }
}

template <class T>
int64_t rows_per_block(int64_t channels) {
  const int64_t rows = kBlockBytes / (channels * int64_t(sizeof(T)));
  return rows < 8 ? 8 : rows;
}

template <class A>
void fill_zero(A* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = 0;
}

// --- forward

template <class T>
void block_sum(const T* x, int64_t rows, int64_t channels, Acc<T>* sum) {
  fill_zero(sum, channels);
  for_rows<8>(rows, [&]<int N>(int64_t r) {
    const T* row = x + r * channels;
    for_channels<T>(channels, [&](auto lanes, int64_t c) {
      using L = decltype(lanes);
      using V = typename L::V;
      const V group = tree_sum<N, V>([&](int i) { return L::load(row + i * channels + c); });
      L::store_acc(sum + c, L::load_acc(sum + c) + group);
    });
  });
}

// Sums of deviations from `centre` and of their squares.
template <class T>
void block_deviations(const T* x,
                      int64_t rows,
                      int64_t channels,
                      const Acc<T>* centre,
                      Acc<T>* deviations,
                      Acc<T>* squares) {
  fill_zero(deviations, channels);
  fill_zero(squares, channels);
  for_rows<kRows>(rows, [&]<int N>(int64_t r) {
    const T* row = x + r * channels;
    for_channels<T>(channels, [&](auto lanes, int64_t c) {
      using L = decltype(lanes);
      using V = typename L::V;
      const V middle = L::load_acc(centre + c);
      V d[N];
      for (int i = 0; i < N; ++i) d[i] = L::load(row + i * channels + c) - middle;
      L::store_acc(deviations + c,
                   L::load_acc(deviations + c) + tree_sum<N, V>([&](int i) { return d[i]; }));
      L::store_acc(squares + c,
                   L::load_acc(squares + c) + tree_sum<N, V>([&](int i) { return d[i] * d[i]; }));
    });
  });
}

// Two passes over each block, the second from the first-level cache: the deviations are from the
// block's own mean, so nothing cancels however large the mean is. Their sum, zero but for rounding,
// corrects both results (Chan, Golub & LeVeque 1983), which also gives the merging of blocks.
template <class T>
void statistics(const T* x,
                int64_t rows,
                int64_t channels,
                Acc<T>* base,
                Acc<T>* offset,
                Acc<T>* squares,
                Acc<T>* scratch) {
  using A = Acc<T>;
  A *centre = scratch, *deviations = scratch + channels, *block_squares = scratch + 2 * channels;
  const int64_t step = rows_per_block<T>(channels);
  fill_zero(offset, channels);
  fill_zero(squares, channels);
  for (int64_t done = 0; done < rows;) {
    const int64_t n = rows - done < step ? rows - done : step;
    const T* block = x + done * channels;
    const A one_nth = A(1) / A(n);
    block_sum(block, n, channels, centre);
    for (int64_t c = 0; c < channels; ++c) centre[c] *= one_nth;
    if (done == 0) __builtin_memcpy(base, centre, uint64_t(channels) * sizeof(A));
    block_deviations(block, n, channels, centre, deviations, block_squares);
    const A share = A(double(n) / double(done + n));
    const A weight = A(double(done) * double(n) / double(done + n));
    for (int64_t c = 0; c < channels; ++c) {
      const A correction = deviations[c] * one_nth;
      const A delta = (centre[c] - base[c]) + correction - offset[c];
      offset[c] += delta * share;
      squares[c] += block_squares[c] - deviations[c] * correction + delta * delta * weight;
    }
    done += n;
  }
}

template <class T, bool kResidual, bool kRelu>
void normalise_as(const T* x,
                  const T* residual,
                  T* y,
                  int64_t rows,
                  int64_t channels,
                  const Acc<T>* mean,
                  const Acc<T>* scale,
                  const Acc<T>* bias) {
  for_rows<kRows>(rows, [&]<int N>(int64_t r) {
    for_channels<T>(channels, [&](auto lanes, int64_t c) {
      using L = decltype(lanes);
      using V = typename L::V;
      const V m = L::load_acc(mean + c), s = L::load_acc(scale + c), b = L::load_acc(bias + c);
      for (int i = 0; i < N; ++i) {
        const int64_t at = (r + i) * channels + c;
        V v = (L::load(x + at) - m) * s + b;
        if constexpr (kResidual) v += L::load(residual + at);
        if constexpr (kRelu) v = V{} > v ? V{} : v;  // NaN stays
        L::store(y + at, v);
      }
    });
  });
}

template <class T>
void normalise(const T* x,
               const T* residual,
               bool relu,
               T* y,
               int64_t rows,
               int64_t channels,
               const Acc<T>* mean,
               const Acc<T>* scale,
               const Acc<T>* bias) {
  const auto run = residual != nullptr
                       ? (relu ? normalise_as<T, true, true> : normalise_as<T, true, false>)
                       : (relu ? normalise_as<T, false, true> : normalise_as<T, false, false>);
  run(x, residual, y, rows, channels, mean, scale, bias);
}

template <class T>
void merge_sums(const Acc<T>* parts,
                int64_t stride,
                int64_t strips,
                int64_t channels,
                double* __restrict total) {
  fill_zero(total, channels);
  for (int64_t i = 0; i < strips; ++i) {
    const Acc<T>* __restrict part = parts + i * stride;
    for (int64_t c = 0; c < channels; ++c) total[c] += double(part[c]);
  }
}

template <class T>
void merge_statistics(const Acc<T>* bases,
                      const Acc<T>* offsets,
                      const Acc<T>* squares,
                      int64_t stride,
                      const int64_t* counts,
                      int64_t strips,
                      int64_t channels,
                      double* __restrict mean,
                      double* __restrict total_squares) {
  merge_sums<T>(squares, stride, strips, channels, total_squares);
  fill_zero(mean, channels);
  double rows = 0;
  for (int64_t i = 0; i < strips; ++i) {
    const Acc<T>* __restrict base = bases + i * stride, * __restrict offset = offsets + i * stride;
    const double n = double(counts[i]);
    rows += n;
    for (int64_t c = 0; c < channels; ++c) mean[c] += n * (double(base[c]) + double(offset[c]));
  }
  for (int64_t c = 0; c < channels; ++c) mean[c] /= rows;
  for (int64_t i = 0; i < strips; ++i) {
    const Acc<T>* __restrict base = bases + i * stride, * __restrict offset = offsets + i * stride;
    const double n = double(counts[i]);
    for (int64_t c = 0; c < channels; ++c) {
      const double delta = double(base[c]) + double(offset[c]) - mean[c];
      total_squares[c] += n * delta * delta;
    }
  }
}

// --- backward

template <class T, Mask kMask>
void backward_sums_as(const T* dy,
                      const T* x,
                      const T* y,
                      T* masked,
                      int64_t rows,
                      int64_t channels,
                      const Acc<T>* mean,
                      const Acc<T>* scale,
                      const Acc<T>* bias,
                      Acc<T>* sum,
                      Acc<T>* sum_centred) {
  for_rows<kRows>(rows, [&]<int N>(int64_t r) {
    for_channels<T>(channels, [&](auto lanes, int64_t c) {
      using L = decltype(lanes);
      using V = typename L::V;
      const V m = L::load_acc(mean + c);
      V s{}, b{}, g[N], product[N];
      if constexpr (kMask == Mask::kFromInput) {
        s = L::load_acc(scale + c);
        b = L::load_acc(bias + c);
      }
      for (int i = 0; i < N; ++i) {
        const int64_t at = (r + i) * channels + c;
        const V centred = L::load(x + at) - m;
        g[i] = L::load(dy + at);
        if constexpr (kMask == Mask::kFromInput) g[i] = centred * s + b <= 0 ? V{} : g[i];
        if constexpr (kMask == Mask::kFromOutput) {
          g[i] = L::load(y + at) <= 0 ? V{} : g[i];
          L::store(masked + at, g[i]);
        }
        product[i] = g[i] * centred;
      }
      L::store_acc(sum + c, L::load_acc(sum + c) + tree_sum<N, V>([&](int i) { return g[i]; }));
      L::store_acc(sum_centred + c, L::load_acc(sum_centred + c) + tree_sum<N, V>([&](int i) {
                                      return product[i];
                                    }));
    });
  });
}

// Sums over blocks first, then over the sums of blocks: rounding errors stay small.
template <class T>
void backward_sums(Mask mask,
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
                   Acc<T>* scratch) {
  const auto run = mask == Mask::kNone        ? backward_sums_as<T, Mask::kNone>
                   : mask == Mask::kFromInput ? backward_sums_as<T, Mask::kFromInput>
                                              : backward_sums_as<T, Mask::kFromOutput>;
  Acc<T>*block_sum = scratch, *block_centred = scratch + channels;
  fill_zero(sum, channels);
  fill_zero(sum_centred, channels);
  const int64_t step = rows_per_block<T>(channels);
  for (int64_t done = 0; done < rows; done += step) {
    const int64_t n = rows - done < step ? rows - done : step;
    const int64_t at = done * channels;
    const bool output = mask == Mask::kFromOutput;
    fill_zero(block_sum, 2 * channels);
    run(dy + at,
        x + at,
        output ? y + at : nullptr,
        output ? masked + at : nullptr,
        n,
        channels,
        mean,
        scale,
        bias,
        block_sum,
        block_centred);
    for (int64_t c = 0; c < channels; ++c) {
      sum[c] += block_sum[c];
      sum_centred[c] += block_centred[c];
    }
  }
}

template <class T, Mask kMask>
void backward_input_as(const T* dy,
                       const T* x,
                       T* dx,
                       int64_t rows,
                       int64_t channels,
                       const Acc<T>* mean,
                       const Acc<T>* scale,
                       const Acc<T>* bias,
                       const Acc<T>* slope,
                       const Acc<T>* offset) {
  for_rows<kRows>(rows, [&]<int N>(int64_t r) {
    for_channels<T>(channels, [&](auto lanes, int64_t c) {
      using L = decltype(lanes);
      using V = typename L::V;
      const V m = L::load_acc(mean + c), s = L::load_acc(scale + c);
      const V k = L::load_acc(slope + c), o = L::load_acc(offset + c);
      V b{};
      if constexpr (kMask == Mask::kFromInput) b = L::load_acc(bias + c);
      for (int i = 0; i < N; ++i) {
        const int64_t at = (r + i) * channels + c;
        const V centred = L::load(x + at) - m;
        V g = L::load(dy + at);
        if constexpr (kMask == Mask::kFromInput) g = centred * s + b <= 0 ? V{} : g;
        L::store(dx + at, g * s + (centred * k + o));
      }
    });
  });
}

template <class T>
void backward_input(Mask mask,
                    const T* dy,
                    const T* x,
                    T* dx,
                    int64_t rows,
                    int64_t channels,
                    const Acc<T>* mean,
                    const Acc<T>* scale,
                    const Acc<T>* bias,
                    const Acc<T>* slope,
                    const Acc<T>* offset) {
  const auto run = mask == Mask::kFromInput ? backward_input_as<T, Mask::kFromInput>
                                            : backward_input_as<T, Mask::kNone>;
  run(dy, x, dx, rows, channels, mean, scale, bias, slope, offset);
}

template <class T>
constexpr BatchNormKernels<T> table() {
  return {statistics<T>,
          normalise<T>,
          backward_sums<T>,
          backward_input<T>,
          merge_statistics<T>,
          merge_sums<T>};
}

}  // namespace

extern const KernelSet DTRAIN_KERNEL_SET;
const KernelSet DTRAIN_KERNEL_SET = {
    DTRAIN_INSTRUCTIONS, table<Bf16>(), table<float>(), table<double>()};

}  // namespace dtrain::nn::kernels
