// Comparing tensors in tests, with messages that say where and by how much they differ.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace dtrain::testing {

struct Tolerance {
  double relative = 0.0;
  double absolute = 0.0;
};

inline std::string describe(const at::Tensor& t) {
  std::ostringstream text;
  text << t.toString() << " " << t.sizes();
  return text.str();
}

// Row-major position -> (i, j, ...).
inline std::string index_of(int64_t position, at::IntArrayRef sizes) {
  std::string text;
  for (size_t d = sizes.size(); d-- > 0;) {
    text = std::to_string(position % sizes[d]) + (text.empty() ? "" : ", ") + text;
    position /= sizes[d];
  }
  return "(" + text + ")";
}

// |actual - expected| <= absolute + relative * |expected| for every element; dtypes may differ,
// shapes may not. NaN equals nothing.
//
//   EXPECT_TRUE(all_close(logits, golden, {.relative = 1e-9}));
inline ::testing::AssertionResult all_close(const at::Tensor& actual,
                                            const at::Tensor& expected,
                                            const Tolerance& tolerance) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure()
           << describe(actual) << " where " << describe(expected) << " was expected";
  }
  if (actual.numel() == 0) {
    return ::testing::AssertionSuccess();
  }
  const at::Tensor a = actual.detach().to(at::kCPU).to(at::kDouble).contiguous().view(-1);
  const at::Tensor e = expected.detach().to(at::kCPU).to(at::kDouble).contiguous().view(-1);
  const at::Tensor excess =
      ((a - e).abs() - tolerance.relative * e.abs() - tolerance.absolute).nan_to_num(INFINITY);
  const int64_t worst = excess.argmax().item<int64_t>();
  if (excess[worst].item<double>() <= 0.0) {
    return ::testing::AssertionSuccess();
  }
  const double x = a[worst].item<double>(), y = e[worst].item<double>();
  std::ostringstream text;
  text.precision(17);
  text << (excess > 0.0).sum().item<int64_t>() << " of " << a.numel() << " elements of "
       << describe(actual) << " differ; worst at " << index_of(worst, actual.sizes()) << ": " << x
       << " instead of " << y << ", off by " << std::abs(x - y) << " (relative "
       << std::abs(x - y) / std::abs(y) << ")";
  return ::testing::AssertionFailure() << text.str();
}

// The same bits, shape and dtype; NaN equals NaN of the same bits.
inline ::testing::AssertionResult bit_equal(const at::Tensor& actual, const at::Tensor& expected) {
  if (actual.sizes() != expected.sizes() || actual.scalar_type() != expected.scalar_type()) {
    return ::testing::AssertionFailure()
           << describe(actual) << " where " << describe(expected) << " was expected";
  }
  const auto bytes = [](const at::Tensor& t) {
    return t.detach().to(at::kCPU).contiguous().view(-1).view(at::kByte);
  };
  const at::Tensor a = bytes(actual), e = bytes(expected);
  if (a.equal(e)) {
    return ::testing::AssertionSuccess();
  }
  const ::testing::AssertionResult detail = all_close(actual, expected, {});
  return ::testing::AssertionFailure()
         << "bits differ: " << (detail ? "signs of zero or NaN" : detail.message());
}

}  // namespace dtrain::testing
