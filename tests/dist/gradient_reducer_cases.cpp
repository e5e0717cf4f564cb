#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "dist/gradient_reducer.h"
#include "dist/ordered_reducer.h"
#include "tests/dist/cases.h"

namespace dtrain::testing {
namespace {

constexpr int64_t kInputs = 12, kHidden = 40, kClasses = 5, kBatch = 3;

// The same values on every rank and whatever else draws random numbers.
at::Tensor draw(at::IntArrayRef shape, uint64_t seed, at::ScalarType type) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble).to(type);
}

struct Network {
  explicit Network(at::ScalarType type) {
    uint64_t seed = 1;
    for (const auto& shape : std::vector<std::vector<int64_t>>{
             {kHidden, kInputs}, {kHidden}, {kHidden, kHidden}, {kHidden}, {kClasses, kHidden}}) {
      parameters.push_back((draw(shape, seed, type) * 0.3).requires_grad_());
      names.push_back("p" + std::to_string(seed++));
    }
  }
  at::Tensor loss(const at::Tensor& x) const {
    const auto& p = parameters;
    const at::Tensor h1 = at::tanh(at::linear(x, p[0], p[1]));
    const at::Tensor h2 = at::tanh(at::linear(h1, p[2], p[3]));
    return at::linear(h2, p[4]).square().mean();
  }
  // Of the mean over the batches of all ranks.
  at::Tensor share_of_loss(const at::Tensor& x, const dist::ProcessGroup& group) const {
    return loss(x) / static_cast<double>(group.size());
  }
  void step(double rate) {
    at::NoGradGuard no_grad;
    for (at::Tensor& p : parameters) p.sub_(p.grad() * rate);
  }
  std::vector<at::Tensor> copy() const {
    std::vector<at::Tensor> values;
    for (const at::Tensor& p : parameters) values.push_back(p.detach().clone());
    return values;
  }
  std::vector<at::Tensor> parameters;
  std::vector<std::string> names;
};

dist::DistConfig small_buckets(double kilobytes = 2) {
  dist::DistConfig config;
  config.first_bucket_mb = config.bucket_mb = kilobytes / 1024;
  return config;
}

at::Tensor batch_of(int64_t step, const dist::ProcessGroup& group, at::ScalarType type) {
  const at::Tensor whole = draw({kBatch * group.size(), kInputs}, uint64_t(100 + step), type);
  return whole.narrow(0, group.rank() * kBatch, kBatch);
}

void train(Network& network,
           dist::GradientReducer& reducer,
           const dist::ProcessGroup& group,
           int64_t first,
           int64_t last) {
  for (int64_t step = first; step < last; ++step) {
    reducer.zero_grad();
    reducer.prepare_forward();
    reducer.backward(network.share_of_loss(batch_of(step, group, at::kFloat), group));
    network.step(0.5);
  }
}

bool same_bits(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  bool same = true;
  for (size_t i = 0; i < a.size(); ++i) same = same && at::equal(a[i], b[i]);
  return same;
}

}  // namespace

void reducer_equals_one_process_on_the_whole_batch(const dist::ProcessGroup& group) {
  Network network(at::kDouble), whole(at::kDouble);
  dist::GradientReducer reducer(network.parameters, network.names, group, small_buckets());
  EXPECT_GT(reducer.num_buckets(), 1);
  for (int64_t step = 0; step < 3; ++step) {
    reducer.zero_grad();
    reducer.prepare_forward();
    reducer.backward(network.share_of_loss(batch_of(step, group, at::kDouble), group));
    for (at::Tensor& p : whole.parameters) p.mutable_grad().reset();
    whole.loss(draw({kBatch * group.size(), kInputs}, uint64_t(100 + step), at::kDouble))
        .backward();
    for (size_t i = 0; i < whole.parameters.size(); ++i) {
      const at::Tensor &mine = network.parameters[i].grad(), &expected = whole.parameters[i].grad();
      EXPECT_LT((mine - expected).abs().max().item<double>(), 1e-12) << network.names[i];
    }
    network.step(0.1);
    whole.step(0.1);
  }
}

void buckets_start_while_backward_goes_on(const dist::ProcessGroup& group) {
  Network network(at::kFloat);
  dist::GradientReducer reducer(network.parameters, network.names, group, small_buckets());
  for (int64_t pass = 0; pass < 2; ++pass) {
    const int64_t before = reducer.buckets_started();
    int64_t started = -1;
    // The first layer's gradient is the last to come.
    network.parameters[0].register_hook([&](const at::Tensor& gradient) {
      started = reducer.buckets_started() - before;
      return gradient;
    });
    reducer.zero_grad();
    reducer.prepare_forward();
    reducer.backward(network.share_of_loss(draw({kBatch, kInputs}, 9, at::kFloat), group));
    network.parameters[0].remove_hook(static_cast<unsigned>(pass));
    ASSERT_GE(reducer.num_buckets(), 2);
    EXPECT_EQ(started, reducer.num_buckets() - 1);
    EXPECT_EQ(reducer.buckets_started() - before, reducer.num_buckets());
  }
}

void no_sync_adds_up_micro_batches(const dist::ProcessGroup& group) {
  Network network(at::kDouble), whole(at::kDouble);
  dist::GradientReducer reducer(network.parameters, network.names, group, small_buckets());
  for (int64_t step = 0; step < 2; ++step) {
    reducer.zero_grad();
    {
      const auto guard = reducer.no_sync();
      reducer.prepare_forward();
      reducer.backward(network.share_of_loss(batch_of(2 * step, group, at::kDouble), group));
    }
    reducer.prepare_forward();
    reducer.backward(network.share_of_loss(batch_of(2 * step + 1, group, at::kDouble), group));
    for (at::Tensor& p : whole.parameters) p.mutable_grad().reset();
    for (int64_t micro = 2 * step; micro < 2 * step + 2; ++micro) {
      whole.loss(draw({kBatch * group.size(), kInputs}, uint64_t(100 + micro), at::kDouble))
          .backward();
    }
    for (size_t i = 0; i < whole.parameters.size(); ++i) {
      const at::Tensor &mine = network.parameters[i].grad(), &expected = whole.parameters[i].grad();
      EXPECT_LT((mine - expected).abs().max().item<double>(), 1e-12) << network.names[i];
    }
  }
}

void resumed_reduction_is_bit_identical(const dist::ProcessGroup& group) {
  Network straight(at::kFloat), resumed(at::kFloat), other(at::kFloat);
  {
    dist::GradientReducer reducer(straight.parameters, straight.names, group, small_buckets());
    train(straight, reducer, group, 0, 6);
  }
  for (int64_t part = 0; part < 2; ++part) {
    dist::GradientReducer reducer(resumed.parameters, resumed.names, group, small_buckets());
    train(resumed, reducer, group, 3 * part, 3 * part + 3);
  }
  EXPECT_TRUE(same_bits(straight.copy(), resumed.copy()));
  if (group.size() < 3) return;
  // The comparison can tell: another layout of the buckets changes the bits of a ring. Sums in
  // memory are in the order of ranks wherever a value lies.
  dist::GradientReducer reducer(other.parameters, other.names, group, small_buckets(1024));
  train(other, reducer, group, 0, 6);
  EXPECT_EQ(same_bits(straight.copy(), other.copy()), group.shares_memory());
}

void ordered_reducer_adds_shards_in_their_order(const dist::ProcessGroup& group) {
  constexpr int64_t kShards = 7;
  const std::vector<std::vector<int64_t>> shapes = {{3, 5}, {4}, {2, 3, 2, 2}};
  std::vector<at::Tensor> parameters;
  for (const auto& shape : shapes) parameters.push_back(draw(shape, 3, at::kFloat));
  parameters[2] = parameters[2].contiguous(at::MemoryFormat::ChannelsLast);
  // The gradient of each shard is a constant of its own, of very different sizes.
  const auto gradient = [&](int64_t shard, size_t i) {
    return draw(shapes[i], uint64_t(50 + shard), at::kFloat) *
           std::pow(10.0, double(shard % 4) * 3);
  };
  const int64_t first = kShards * group.rank() / group.size();
  const int64_t end = kShards * (group.rank() + 1) / group.size();
  std::vector<std::vector<at::Tensor>> leaves;
  for (int64_t shard = first; shard < end; ++shard) {
    leaves.emplace_back();
    for (const at::Tensor& p : parameters) leaves.back().push_back(p.detach().requires_grad_());
  }
  dist::OrderedReducer reducer(parameters, leaves, group);
  for (int64_t micro_batches = 1; micro_batches <= 2; ++micro_batches) {
    reducer.zero_grad();
    for (int64_t micro = 0; micro < micro_batches; ++micro) {
      std::optional<dist::GradientSync::NoSync> local;
      if (micro + 1 < micro_batches) local.emplace(reducer);
      at::Tensor loss = at::zeros({});
      for (int64_t shard = first; shard < end; ++shard) {
        for (size_t i = 0; i < shapes.size(); ++i) {
          loss = loss + (leaves[size_t(shard - first)][i] * gradient(shard, i)).sum();
        }
      }
      reducer.backward(loss);
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      at::Tensor expected = gradient(0, i) * double(micro_batches);
      for (int64_t shard = 1; shard < kShards; ++shard) {
        expected = expected + gradient(shard, i) * double(micro_batches);
      }
      EXPECT_TRUE(at::equal(parameters[i].grad(), expected)) << i << ", " << micro_batches;
    }
  }
}

}  // namespace dtrain::testing
