// How the fused batch norm sees a tensor and divides the work on it.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/batch_norm_kernels.h"

namespace dtrain::nn::detail {

using kernels::Acc;

constexpr int64_t kStripBytes = 64 * 1024;
constexpr int64_t kMaxStrips = 64;

// Note [Strips]
// The rows are cut by their number alone, never by the number of threads, and the parts are merged
// in order: the result is the same bits for any number of threads.
struct Strips {
  Strips(int64_t rows, int64_t row_bytes) {
    const int64_t wanted = std::clamp(rows * row_bytes / kStripBytes, int64_t(1), kMaxStrips);
    const int64_t step = std::max((rows + wanted - 1) / wanted, int64_t(1));
    for (int64_t begin = 0; begin < rows; begin += step) {
      begins.push_back(begin);
      counts.push_back(std::min(step, rows - begin));
    }
  }
  int64_t size() const { return int64_t(begins.size()); }
  template <class F>
  void for_each(F f) const {  // f(index, first row, rows), on all threads
    at::parallel_for(0, size(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) f(i, begins[size_t(i)], counts[size_t(i)]);
    });
  }
  std::vector<int64_t> begins, counts;
};

// x as a matrix of rows and channels.
template <class T>
struct Matrix {
  explicit Matrix(const at::Tensor& x)
      : data(static_cast<T*>(x.data_ptr())),
        channels(x.size(1)),
        rows(x.numel() / std::max(channels, int64_t(1))),
        strips(rows, channels * int64_t(sizeof(T))) {}
  T* data;
  int64_t channels, rows;
  Strips strips;
};

template <class T>
T* data_of(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}

// Rows of doubles per channel, the first entry for the count: [count | a (C) | b (C)].
struct Sums {
  explicit Sums(int64_t channels) : Sums(at::zeros({1 + 2 * channels}, at::kDouble)) {}
  explicit Sums(at::Tensor row)  // contiguous
      : channels((row.size(0) - 1) / 2), tensor(std::move(row)) {}
  double& count() { return *tensor.data_ptr<double>(); }
  double* a() { return tensor.data_ptr<double>() + 1; }
  double* b() { return a() + channels; }
  int64_t channels;
  at::Tensor tensor;
};

template <class T>
constexpr at::ScalarType acc_type() {
  return std::is_same_v<Acc<T>, double> ? at::kDouble : at::kFloat;
}

}  // namespace dtrain::nn::detail
