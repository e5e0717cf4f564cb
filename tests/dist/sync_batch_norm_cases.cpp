#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "dist/parameter_sync.h"
#include "nn/batch_norm.h"
#include "tests/dist/cases.h"

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

}  // namespace dtrain::testing
