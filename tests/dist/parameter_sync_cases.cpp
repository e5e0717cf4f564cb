#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "dist/buffer_average.h"
#include "dist/mpi_scope.h"
#include "dist/parameter_sync.h"
#include "tests/dist/cases.h"

namespace dtrain::testing {
namespace {

struct Layer : torch::nn::Module {
  explicit Layer(int64_t value) {
    register_parameter(
        "weight",
        at::full({4, 3, 2, 2}, value, at::kFloat).contiguous(at::MemoryFormat::ChannelsLast));
    register_parameter("half", at::full({9}, value, at::kBFloat16), /*requires_grad=*/false);
    register_buffer("steps", at::full({}, value, at::kLong));
  }
};

}  // namespace

void broadcast_makes_replicas_equal(const dist::ProcessGroup& group) {
  Layer layer(group.rank() + 1);
  dist::broadcast_module(layer, group);
  for (const auto& [name, tensor] : dist::state_of(layer)) {
    EXPECT_TRUE(at::equal(tensor, at::ones_like(tensor))) << name;
  }
  EXPECT_TRUE(layer.named_parameters()["weight"].is_contiguous(at::MemoryFormat::ChannelsLast));
  dist::check_replicas_equal(layer, group);
}

void buffers_that_differ_become_their_mean(const dist::ProcessGroup& group) {
  struct Statistics : torch::nn::Module {
    at::Tensor mean, variance, count, weight;
    explicit Statistics(double rank)
        : mean(register_buffer("mean", at::full({3}, rank, at::kFloat))),
          variance(register_buffer("variance", at::full({2, 2}, 10 * rank, at::kDouble))),
          count(register_buffer("count", at::full({}, int64_t(7 + rank), at::kLong))),
          weight(register_parameter("weight", at::full({5}, rank))) {}
  } module(static_cast<double>(group.rank()));
  dist::BufferAverage average(module, group);
  const double expected = double(group.size() - 1) / 2;
  for (int round = 0; round < 2; ++round) {  // what is equal stays
    average.run();
    EXPECT_TRUE(at::equal(module.mean, at::full({3}, expected, at::kFloat)));
    EXPECT_TRUE(at::equal(module.variance, at::full({2, 2}, 10 * expected, at::kDouble)));
    EXPECT_EQ(module.count.item<int64_t>(), 6 + group.size());
  }
  EXPECT_TRUE(at::equal(module.weight, at::full({5}, double(group.rank()))));
}

namespace {

void flipped_bit_is_found(const dist::ProcessGroup& group, int64_t culprit) {
  Layer layer(1);
  dist::check_replicas_equal(layer, group);
  if (group.size() == 1) return;
  if (group.rank() == culprit) {
    auto* bits = static_cast<uint32_t*>(layer.named_parameters()["weight"].data_ptr());
    bits[17] ^= 1;  // the smallest change there is
  }
  try {
    dist::check_replicas_equal(layer, group);
    FAIL() << "the flipped bit went unnoticed on rank " << group.rank();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kDiverged);
    const std::string text = e.what();
    EXPECT_NE(text.find("weight"), std::string::npos) << text;
    const std::string named = group.size() > 2
                                  ? "rank " + std::to_string(culprit) + " holds other values"
                                  : "ranks 0 and 1 hold different values";
    EXPECT_NE(text.find(named), std::string::npos) << text;
    EXPECT_EQ(dynamic_cast<const dist::PeerFailed*>(&e) != nullptr, group.rank() != 0);
  }
}

}  // namespace

void flipped_bit_is_found(const dist::ProcessGroup& group) {
  for (int64_t culprit = 0; culprit < group.size(); ++culprit) flipped_bit_is_found(group, culprit);
}

}  // namespace dtrain::testing
