#include "nn/batch_norm.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "nn/batch_norm_kernels.h"
#include "util/check.h"

namespace dtrain::nn {
namespace {

at::Tensor draw(at::IntArrayRef shape, uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble);
}

struct Case {
  at::ScalarType type;
  at::MemoryFormat format;
  bool residual, relu, training;

  std::string name() const {
    return std::string(c10::toString(type)) +
           (format == at::MemoryFormat::ChannelsLast ? " channels-last" : " contiguous") +
           (residual ? " residual" : "") + (relu ? " relu" : "") + (training ? "" : " evaluation");
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto type : {at::kDouble, at::kFloat, at::kBFloat16}) {
    for (const auto format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
      for (const int bits : {0, 1, 2, 3, 4, 5, 6, 7}) {
        cases.push_back({type, format, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) == 0});
      }
    }
  }
  return cases;
}

struct Outcome {
  at::Tensor y, dx, dresidual, dweight, dbias, running_mean, running_var;
};

struct Inputs {
  Inputs(at::IntArrayRef shape, const Case& c)
      : x((draw(shape, 1) * 2 + 1).to(c.type).contiguous(c.format)),
        residual(c.residual ? draw(shape, 2).to(c.type).contiguous(c.format) : at::Tensor()),
        dy(draw(shape, 3).to(c.type).contiguous(c.format)),
        weight(draw({shape[1]}, 4)),
        bias(draw({shape[1]}, 5) * 0.1),
        running_mean(draw({shape[1]}, 6)),
        running_var(draw({shape[1]}, 7).square() + 0.5) {}
  at::Tensor x, residual, dy, weight, bias, running_mean, running_var;
};

Outcome run(const Inputs& in, const Case& c) {
  BatchNorm2dImpl norm(in.weight.size(0));
  if (c.type == at::kDouble) norm.to(at::kDouble);
  norm.train(c.training);
  {
    at::NoGradGuard no_grad;
    norm.weight.copy_(in.weight);
    norm.bias.copy_(in.bias);
    norm.running_mean.copy_(in.running_mean);
    norm.running_var.copy_(in.running_var);
  }
  const at::Tensor x = in.x.detach().clone().requires_grad_();
  at::Tensor residual;
  if (c.residual) residual = in.residual.detach().clone().requires_grad_();
  const at::Tensor y = norm.forward_add_relu(x, residual, c.relu);
  EXPECT_EQ(y.scalar_type(), c.type) << c.name();
  EXPECT_TRUE(y.is_contiguous(c.format)) << c.name();
  EXPECT_TRUE(at::equal(x, in.x)) << "the input was changed";
  y.backward(in.dy);
  return {y.detach(),
          x.grad(),
          c.residual ? residual.grad() : at::Tensor(),
          norm.weight.grad(),
          norm.bias.grad(),
          norm.running_mean,
          norm.running_var};
}

// ATen's own operators in double, on the same (rounded) inputs.
Outcome run_reference(const Inputs& in, const Case& c) {
  const at::Tensor x = in.x.to(at::kDouble).requires_grad_();
  at::Tensor residual;
  const at::Tensor weight = in.weight.to(at::kFloat).to(at::kDouble).requires_grad_();
  const at::Tensor bias = in.bias.to(at::kFloat).to(at::kDouble).requires_grad_();
  if (c.type == at::kDouble) {
    weight.data().copy_(in.weight);
    bias.data().copy_(in.bias);
  }
  const at::Tensor mean = in.running_mean.clone(), var = in.running_var.clone();
  at::Tensor y = at::batch_norm(x, weight, bias, mean, var, c.training, 0.1, 1e-5, false);
  if (c.residual) {
    residual = in.residual.to(at::kDouble).requires_grad_();
    y = y + residual;
  }
  if (c.relu) y = at::relu(y);
  y.backward(in.dy.to(at::kDouble));
  return {y.detach(),
          x.grad(),
          c.residual ? residual.grad() : at::Tensor(),
          weight.grad(),
          bias.grad(),
          mean,
          var};
}

void expect_near(const at::Tensor& actual,
                 const at::Tensor& expected,
                 double tolerance,
                 const std::string& what) {
  ASSERT_EQ(actual.defined(), expected.defined()) << what;
  if (!actual.defined()) return;
  const at::Tensor error = (actual.to(at::kDouble) - expected).abs();
  const at::Tensor allowed = tolerance * (expected.abs() + expected.abs().mean());
  EXPECT_LE((error / allowed).max().item<double>(), 1) << what;
}

void expect_matches_reference(at::IntArrayRef shape, const Case& c) {
  const Inputs in(shape, c);
  const Outcome ours = run(in, c), reference = run_reference(in, c);
  // A value at the edge of the ReLU may fall on either side of it; in fp32 none of these does.
  const double exact = c.type == at::kDouble ? 1e-12 : 2e-5;
  const double rounded = c.type == at::kBFloat16 ? 1.0 / 256 : exact;
  expect_near(ours.y, reference.y, rounded, c.name() + " y");
  expect_near(ours.dx, reference.dx, rounded, c.name() + " dx");
  expect_near(ours.dresidual, reference.dresidual, rounded, c.name() + " dresidual");
  expect_near(ours.dweight, reference.dweight, exact, c.name() + " dweight");
  expect_near(ours.dbias, reference.dbias, exact, c.name() + " dbias");
  expect_near(ours.running_mean, reference.running_mean, exact, c.name() + " running_mean");
  expect_near(ours.running_var, reference.running_var, exact, c.name() + " running_var");
}

TEST(BatchNorm, EqualsTheSequenceOfTorchsOperatorsForwardAndBackward) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);  // the cores may be busy, and the tensors are small
  for (const Case& c : all_cases()) {
    expect_matches_reference({4, 37, 5, 7}, c);     // odd sizes: tails of vectors and of rows
    expect_matches_reference({16, 64, 14, 14}, c);  // several strips and blocks
    expect_matches_reference({9, 16, 1, 1}, c);
  }
  at::set_num_threads(before);
}

TEST(BatchNorm, GradientsEqualDifferenceQuotients) {
  const Case c{at::kDouble, at::MemoryFormat::ChannelsLast, true, true, true};
  const Inputs in({3, 5, 2, 3}, c);
  const Outcome analytic = run(in, c);
  const auto loss = [&](const Inputs& at) { return (run(at, c).y * in.dy).sum().item<double>(); };
  const double h = 1e-6;
  for (const auto& [input, gradient] : std::vector<std::pair<at::Tensor Inputs::*, at::Tensor>>{
           {&Inputs::x, analytic.dx},
           {&Inputs::residual, analytic.dresidual},
           {&Inputs::weight, analytic.dweight},
           {&Inputs::bias, analytic.dbias}}) {
    const int64_t count = gradient.numel();
    const at::Tensor flat = gradient.contiguous().view(-1);
    for (int64_t i = 0; i < count; i += 7) {
      Inputs up = in, down = in;
      const auto shifted = [&](double by) {
        at::Tensor moved = (in.*input).contiguous().clone();
        moved.view(-1)[i] += by;
        return moved.dim() == 4 ? moved.contiguous(c.format) : moved;
      };
      up.*input = shifted(h);
      down.*input = shifted(-h);
      EXPECT_NEAR((loss(up) - loss(down)) / (2 * h), flat[i].item<double>(), 1e-7) << i;
    }
  }
}

// Runs f for every instruction set this processor has.
template <class F>
void for_each_kernel_set(F f) {
  for (const auto* set : kernels::available_kernels()) {
    SCOPED_TRACE(set->instructions);
    f(*set);
  }
}

TEST(BatchNormKernels, EveryInstructionSetGivesTheSameResult) {
  const int64_t rows = 1003, channels = 37;
  const at::Tensor x = draw({rows, channels}, 1).to(at::kFloat);
  const at::Tensor dy = draw({rows, channels}, 2).to(at::kFloat);
  const at::Tensor scale = draw({channels}, 3).to(at::kFloat);
  const at::Tensor bias = draw({channels}, 4).to(at::kFloat);
  const auto p = [](const at::Tensor& t) { return t.data_ptr<float>(); };
  for_each_kernel_set([&](const kernels::KernelSet& set) {
    const at::Tensor mean = at::empty({channels}), offset = at::empty({channels});
    const at::Tensor squares = at::empty({channels}), scratch = at::empty({3 * channels});
    set.f32.statistics(p(x), rows, channels, p(mean), p(offset), p(squares), p(scratch));
    mean.add_(offset);
    const at::Tensor xd = x.to(at::kDouble);
    expect_near(mean, xd.mean(0), 1e-6, "mean");
    expect_near(squares, (xd - xd.mean(0)).square().sum(0), 1e-6, "squares");

    const at::Tensor y = at::empty_like(x);
    set.f32.normalise(p(x), p(dy), true, p(y), rows, channels, p(mean), p(scale), p(bias));
    const at::Tensor normalised = (xd - mean) * scale + bias;
    expect_near(y, at::relu(normalised + dy), 1e-6, "y");

    const at::Tensor sum = at::empty({channels}), centred = at::empty({channels});
    set.f32.backward_sums(kernels::Mask::kFromInput,
                          p(dy),
                          p(x),
                          nullptr,
                          nullptr,
                          rows,
                          channels,
                          p(mean),
                          p(scale),
                          p(bias),
                          p(sum),
                          p(centred),
                          p(scratch));
    const at::Tensor g = dy.to(at::kDouble) * (normalised > 0);
    expect_near(sum, g.sum(0), 1e-5, "sum");
    expect_near(centred, (g * (xd - mean)).sum(0), 1e-5, "centred");

    const at::Tensor dx = at::empty_like(x);
    set.f32.backward_input(kernels::Mask::kFromInput,
                           p(dy),
                           p(x),
                           p(dx),
                           rows,
                           channels,
                           p(mean),
                           p(scale),
                           p(bias),
                           p(sum),
                           p(centred));
    expect_near(dx, g * scale + (xd - mean) * sum + centred, 1e-6, "dx");
  });
}

TEST(BatchNormKernels, Bfloat16IsRoundedToNearestEvenLikeTorch) {
  // y = x + residual: sums of two bfloat16 values fall between representable ones, often half-way.
  const int64_t rows = 64, channels = 32;
  at::Tensor x = (draw({rows, channels}, 1) * 100).to(at::kBFloat16);
  at::Tensor residual = draw({rows, channels}, 2).to(at::kBFloat16);
  const float inf = std::numeric_limits<float>::infinity();
  x[0][0] = inf;
  x[1][0] = -inf;
  x[2][0] = std::nanf("");
  x[3][0] = 3.3e38;  // rounds up to infinity together with itself
  residual[3][0] = 3.3e38;
  const at::Tensor mean = at::zeros({channels}), scale = at::ones({channels});
  const at::Tensor expected = (x.to(at::kFloat) + residual.to(at::kFloat)).to(at::kBFloat16);
  for_each_kernel_set([&](const kernels::KernelSet& set) {
    const auto bits = [](const at::Tensor& t) { return static_cast<kernels::Bf16*>(t.data_ptr()); };
    const at::Tensor y = at::empty_like(x);
    set.bf16.normalise(bits(x),
                       bits(residual),
                       false,
                       bits(y),
                       rows,
                       channels,
                       mean.data_ptr<float>(),
                       scale.data_ptr<float>(),
                       mean.data_ptr<float>());
    EXPECT_TRUE(at::allclose(y, expected, 0, 0, /*equal_nan=*/true));
  });
}

TEST(BatchNorm, VarianceIsExactUnderALargeMean) {
  const at::Tensor x = (draw({8, 32, 14, 14}, 1) * 0.5 + 5000)
                           .to(at::kFloat)
                           .contiguous(at::MemoryFormat::ChannelsLast);
  BatchNorm2dImpl norm(32, /*momentum=*/1.0);
  norm.forward(x);
  const at::Tensor exact = x.to(at::kDouble).var({0, 2, 3}, /*unbiased=*/true);
  expect_near(norm.running_var, exact, 1e-6, "variance");
  expect_near(norm.running_mean, x.to(at::kDouble).mean({0, 2, 3}), 1e-7, "mean");
}

TEST(BatchNorm, ResultIsTheSameBitsForAnyNumberOfThreads) {
  const int before = at::get_num_threads();
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const Case c{type, at::MemoryFormat::ChannelsLast, true, true, true};
    const Inputs in({16, 64, 20, 20}, c);
    at::set_num_threads(1);
    const Outcome one = run(in, c);
    for (const int threads : {2, 3, 7}) {
      at::set_num_threads(threads);
      const Outcome many = run(in, c);
      EXPECT_TRUE(at::equal(one.y, many.y));
      EXPECT_TRUE(at::equal(one.dx, many.dx));
      EXPECT_TRUE(at::equal(one.dresidual, many.dresidual));
      EXPECT_TRUE(at::equal(one.dweight, many.dweight));
      EXPECT_TRUE(at::equal(one.dbias, many.dbias));
      EXPECT_TRUE(at::equal(one.running_var, many.running_var));
    }
  }
  at::set_num_threads(before);
}

TEST(BatchNorm, OneValuePerChannelIsRefusedInTrainingOnly) {
  for (const auto format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
    const at::Tensor x = at::ones({1, 4, 1, 1}).contiguous(format);
    BatchNorm2dImpl norm(4);
    try {
      norm.forward(x);
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData);
    }
    norm.eval();
    EXPECT_EQ(norm.forward(x).sizes(), x.sizes());
  }
}

TEST(BatchNorm, NotANumberPassesTheRelu) {
  at::Tensor x = at::ones({2, 16, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast);
  x[0][3][1][1] = std::nanf("");
  BatchNorm2dImpl norm(16);
  norm.eval();
  EXPECT_TRUE(norm.forward_add_relu(x, {}, true)[0][3][1][1].isnan().item<bool>());
}

TEST(BatchNorm, InputThatNeedsNoGradientGetsNone) {
  BatchNorm2dImpl norm(16);
  const at::Tensor x =
      draw({4, 16, 3, 3}, 1).to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  norm.forward_add_relu(x, x, true).sum().backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(norm.weight.grad().defined());
}

TEST(BatchNorm, StateHasTorchvisionsNamesAndCountsBatches) {
  BatchNorm2dImpl norm(8);
  std::vector<std::string> names;
  for (const auto& item : norm.named_parameters()) names.push_back(item.key());
  for (const auto& item : norm.named_buffers()) names.push_back(item.key());
  EXPECT_EQ(names,
            (std::vector<std::string>{
                "weight", "bias", "running_mean", "running_var", "num_batches_tracked"}));
  norm.forward(at::randn({2, 8, 3, 3}));
  norm.eval();
  norm.forward(at::randn({2, 8, 3, 3}));
  EXPECT_EQ(norm.num_batches_tracked.item<int64_t>(), 1);
}

}  // namespace
}  // namespace dtrain::nn
