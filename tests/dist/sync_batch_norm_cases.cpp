#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "dist/parameter_sync.h"
#include "nn/batch_norm.h"
#include "tests/dist/cases.h"
#include "util/check.h"

namespace dtrain::testing {
namespace {

constexpr int64_t kChannels = 20, kSide = 5;

at::Tensor draw(at::IntArrayRef shape, uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble);
}

struct Result {
  at::Tensor output, dx, dresidual, dweight, dbias;
};

nn::BatchNorm2dImpl make_norm() {
  nn::BatchNorm2dImpl norm(kChannels);
  norm.to(at::kDouble);
  at::NoGradGuard no_grad;
  norm.weight.copy_(draw({kChannels}, 1));
  norm.bias.copy_(draw({kChannels}, 2));
  return norm;
}

// Two training steps on the images first .. first + count of one big batch.
Result run(nn::BatchNorm2dImpl& norm,
           int64_t batch,
           int64_t first,
           int64_t count,
           bool with_residual,
           bool relu,
           at::MemoryFormat format) {
  Result result;
  for (uint64_t step = 0; step < 2; ++step) {
    const auto part = [&](uint64_t seed) {
      return (draw({batch, kChannels, kSide, kSide}, 10 * step + seed) * 2 + 3)
          .narrow(0, first, count)
          .contiguous(format);
    };
    const at::Tensor x = part(3).requires_grad_();
    at::Tensor residual;
    if (with_residual) residual = (part(4) - 3).requires_grad_();
    norm.weight.mutable_grad().reset();
    norm.bias.mutable_grad().reset();
    result.output = norm.forward_add_relu(x, residual, relu);
    result.output.backward(part(5) - 3);
    result.dx = x.grad();
    if (with_residual) result.dresidual = residual.grad();
    result.dweight = norm.weight.grad();
    result.dbias = norm.bias.grad();
  }
  return result;
}

void expect_near(const at::Tensor& actual, const at::Tensor& expected, const char* what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  if (actual.numel() == 0) return;
  EXPECT_LT((actual - expected).abs().max().item<double>(), 1e-11) << what;
}

// `share[r]` images on rank r, against all of them on one.
void compare(const dist::ProcessGroup& group, const std::vector<int64_t>& share) {
  int64_t batch = 0, first = 0;
  for (int64_t rank = 0; rank < group.size(); ++rank) {
    if (rank < group.rank()) first += share[size_t(rank)];
    batch += share[size_t(rank)];
  }
  const int64_t count = share[size_t(group.rank())];
  for (const auto format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
    for (const int variant : {0, 1, 2, 3}) {
      const bool residual = variant & 1, relu = variant & 2;
      auto whole_norm = make_norm(), norm = make_norm();
      nn::synchronise_batch_norm(norm, group);
      const Result whole = run(whole_norm, batch, 0, batch, residual, relu, format);
      Result mine = run(norm, batch, first, count, residual, relu, format);
      expect_near(mine.output, whole.output.narrow(0, first, count), "output");
      expect_near(mine.dx, whole.dx.narrow(0, first, count), "dx");
      if (residual) expect_near(mine.dresidual, whole.dresidual.narrow(0, first, count), "dres");
      group.all_reduce_sum(mine.dweight);
      group.all_reduce_sum(mine.dbias);
      expect_near(mine.dweight, whole.dweight, "dweight");
      expect_near(mine.dbias, whole.dbias, "dbias");
      expect_near(norm.running_mean, whole_norm.running_mean, "running_mean");
      expect_near(norm.running_var, whole_norm.running_var, "running_var");
      EXPECT_EQ(norm.num_batches_tracked.item<int64_t>(), 2);
      dist::check_replicas_equal(norm, group);  // bit for bit
    }
  }
}

}  // namespace

void sync_batch_norm_equals_one_process_on_the_whole_batch(const dist::ProcessGroup& group) {
  compare(group, std::vector<int64_t>(size_t(group.size()), 2));
}

void sync_batch_norm_takes_uneven_and_empty_batches(const dist::ProcessGroup& group) {
  std::vector<int64_t> share;
  for (int64_t rank = 0; rank < group.size(); ++rank) share.push_back(group.size() - 1 - rank);
  share[0] += 1;
  compare(group, share);  // e.g. 4, 2, 1, 0 images
}

void sync_batch_norm_works_in_sub_groups(const dist::ProcessGroup& group) {
  const dist::ProcessGroup part = group.split(group.rank() % 2);
  compare(part, std::vector<int64_t>(size_t(part.size()), 3));
}

// 16-bit activations as under autocast, statistics in 32: the error is that of rounding the result.
void sync_batch_norm_keeps_statistics_of_sixteen_bit_input_in_float(
    const dist::ProcessGroup& group) {
  for (const auto type : {at::kBFloat16, at::kHalf}) {
    for (const auto format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
      const at::Tensor whole =
          (draw({4 * group.size(), kChannels, kSide, kSide}, 7) * 2 + 40).to(type);
      const at::Tensor x = whole.narrow(0, 4 * group.rank(), 4).contiguous(format);
      nn::BatchNorm2dImpl norm(kChannels), reference(kChannels);
      reference.to(at::kDouble);
      nn::synchronise_batch_norm(norm, group);
      const at::Tensor y = norm.forward(x);
      const at::Tensor expected =
          reference.forward(whole.to(at::kDouble)).narrow(0, 4 * group.rank(), 4);
      EXPECT_EQ(y.scalar_type(), type);
      EXPECT_EQ(norm.running_var.scalar_type(), at::kFloat);
      const double rounding = type == at::kHalf ? 1.0 / 2048 : 1.0 / 256;
      EXPECT_LT((y.to(at::kDouble) - expected).abs().max().item<double>(), 4 * rounding);
      const at::Tensor error = (norm.running_var.to(at::kDouble) / reference.running_var - 1).abs();
      EXPECT_LT(error.max().item<double>(), 1e-5);
      dist::check_replicas_equal(norm, group);
    }
  }
}

// The ranks evaluate different numbers of batches: were there a collective, this would hang.
void sync_batch_norm_does_not_communicate_in_evaluation(const dist::ProcessGroup& group) {
  auto norm = make_norm();
  nn::synchronise_batch_norm(norm, group);
  norm.eval();
  for (int64_t batch = 0; batch < group.rank(); ++batch) {
    norm.forward(draw({2, kChannels, kSide, kSide}, 3));
  }
  group.barrier();
}

void sync_batch_norm_refuses_one_value_in_the_whole_group(const dist::ProcessGroup& group) {
  for (const auto format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
    auto norm = make_norm();
    nn::synchronise_batch_norm(norm, group);
    // One value on each rank: a variance for two ranks and more.
    const int64_t mine = group.rank() == 0 ? 1 : 0;
    const at::Tensor one = draw({1, kChannels, 1, 1}, 3).contiguous(format);
    if (group.size() > 1) {
      EXPECT_NO_THROW(norm.forward(one));
    }
    try {
      norm.forward(one.narrow(0, 0, mine));
      FAIL() << "one value has no variance";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_NE(error.cause().find("only one value"), std::string::npos);
    }
  }
}

}  // namespace dtrain::testing
