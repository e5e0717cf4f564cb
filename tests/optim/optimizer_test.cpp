// Optimizers against torch.optim over fifty steps, and their state.
#include "optim/optimizer.h"

#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include "optim/lr_schedule.h"
#include "optim/optimizer_factory.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/golden.h"
#include "tests/support/tensor_matchers.h"
#include "util/check.h"

namespace dtrain::optim {
namespace {

using testing::GoldenJson;
using testing::Tolerance;

// A module with the parameters of make_optim.py; the convolution lies channels-last, as in a model.
struct Parameters : torch::nn::Module {
  Parameters(const GoldenJson& shapes, at::ScalarType dtype) {
    for (const auto& item : shapes.items()) {
      const auto shape = item.value().get<std::vector<int64_t>>();
      at::Tensor value = testing::formula(item.key(), shape).to(dtype);
      if (shape.size() == 4) {
        value = value.contiguous(at::MemoryFormat::ChannelsLast);
      }
      // A dot separates modules; torch forbids it within a name.
      const size_t dot = item.key().find('.');
      const std::string module = item.key().substr(0, dot);
      if (!named_children().contains(module)) {
        register_module(module, std::make_shared<torch::nn::Module>());
      }
      named_children()[module]->register_parameter(item.key().substr(dot + 1), value);
    }
  }

  // Gradients as make_optim.py gives them; row-major, so that their layout differs from the
  // weight's.
  void set_gradients(int64_t step) {
    for (const auto& item : named_parameters()) {
      at::Tensor p = item.value();
      const at::Tensor noise =
          testing::formula(item.key() + "@" + std::to_string(step), p.sizes(), 0.25);
      p.mutable_grad() = (noise.to(p.scalar_type()) + 0.25 * p.detach()).contiguous();
    }
  }
};

OptimizerConfig optimizer_config_of(const GoldenJson& json) {
  OptimizerConfig c;
  c.name = json.at("name");
  c.lr = json.at("lr");
  c.weight_decay = json.at("weight_decay");
  c.no_decay_norm_bias = json.at("no_decay_norm_bias");
  c.momentum = json.value("momentum", c.momentum);
  c.nesterov = json.value("nesterov", c.nesterov);
  c.beta1 = json.value("beta1", c.beta1);
  c.beta2 = json.value("beta2", c.beta2);
  c.eps = json.value("eps", c.eps);
  return c;
}

ScheduleConfig schedule_of(const GoldenJson& json) {
  ScheduleConfig c;
  c.name = json.at("name");
  c.warmup_epochs = json.at("warmup_epochs");
  c.warmup_factor = json.at("warmup_factor");
  c.min_lr = json.at("min_lr");
  return c;
}

void expect_golden_trajectory(const GoldenJson& test_case,
                              const GoldenJson& shapes,
                              at::ScalarType dtype,
                              const Tolerance& tolerance) {
  Parameters module(shapes, dtype);
  const OptimizerConfig config = optimizer_config_of(test_case.at("config"));
  const auto optimizer = create_optimizer(module, config);
  const LRSchedule schedule(schedule_of(test_case.at("schedule")),
                            config.lr,
                            test_case.at("steps_per_epoch"),
                            test_case.at("epochs"));
  for (int64_t step = 0; step < 50; ++step) {
    module.set_gradients(step);
    optimizer->set_lr(schedule(step));
    optimizer->step();
    const auto expected = test_case.at("trajectory").find(std::to_string(step));
    if (expected == test_case.at("trajectory").end()) {
      continue;
    }
    for (const auto& item : module.named_parameters()) {
      EXPECT_TRUE(testing::all_close(testing::digest(item.key(), item.value()),
                                     testing::tensor_of(expected->at(item.key())),
                                     tolerance))
          << item.key() << " after step " << step;
    }
  }
  for (const auto& item : module.named_parameters()) {
    EXPECT_TRUE(testing::all_close(item.value().reshape(-1),
                                   testing::tensor_of(test_case.at("params").at(item.key())),
                                   tolerance))
        << item.key();
  }
  size_t compared = 0;
  for (const auto& [name, tensor] : optimizer->state()) {
    if (name == "step") {
      EXPECT_EQ(tensor.item<double>(), 50.0);
      continue;
    }
    EXPECT_TRUE(testing::all_close(
        tensor.reshape(-1), testing::tensor_of(test_case.at("state").at(name)), tolerance))
        << name;
    ++compared;
  }
  EXPECT_EQ(compared, test_case.at("state").size());
}

TEST(Optimizer, FollowsTorchOverFiftyStepsOfWarmupAndCosineInFloat64) {
  const GoldenJson golden = testing::golden("optimizers.json");
  for (const GoldenJson& test_case : golden.at("cases")) {
    SCOPED_TRACE(test_case.at("config").dump());
    expect_golden_trajectory(
        test_case, golden.at("shapes"), at::kDouble, {.relative = 1e-9, .absolute = 1e-11});
  }
}

TEST(Optimizer, FollowsTorchOverFiftyStepsOfWarmupAndCosineInFloat32) {
  const GoldenJson golden = testing::golden("optimizers.json");
  for (const GoldenJson& test_case : golden.at("cases")) {
    SCOPED_TRACE(test_case.at("config").dump());
    expect_golden_trajectory(
        test_case, golden.at("shapes"), at::kFloat, {.relative = 1e-5, .absolute = 1e-5});
  }
}

OptimizerConfig named(const std::string& name) {
  OptimizerConfig config;
  config.name = name;
  config.lr = 0.01;
  return config;
}

const GoldenJson kShapes = {{"conv.weight", {4, 3, 3, 3}}, {"bn.weight", {4}}, {"bn.bias", {4}}};

TEST(Optimizer, ContinuesBitForBitFromASavedState) {
  for (const std::string name : {"sgd", "adamw"}) {
    Parameters one(kShapes, at::kFloat), two(kShapes, at::kFloat);
    const auto first = create_optimizer(one, named(name));
    for (int64_t step = 0; step < 3; ++step) {
      one.set_gradients(step);
      first->step();
    }
    const auto second = create_optimizer(two, named(name));
    state::NamedTensors copies;
    for (const auto& [key, tensor] : first->state()) {
      copies.emplace_back(key, tensor.clone());
    }
    second->load(copies);
    const at::NoGradGuard no_grad;
    for (const auto& item : two.named_parameters()) {
      at::Tensor(item.value()).copy_(one.named_parameters()[item.key()]);
    }
    one.set_gradients(3);
    first->step();
    two.set_gradients(3);
    second->step();
    for (const auto& item : one.named_parameters()) {
      EXPECT_TRUE(testing::bit_equal(two.named_parameters()[item.key()], item.value()))
          << name << " " << item.key();
    }
  }
}

TEST(Optimizer, NamesItsStateAfterTheParametersInModuleOrder) {
  Parameters module(kShapes, at::kFloat);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : create_optimizer(module, named("adamw"))->state()) {
    names.push_back(name);
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"exp_avg.conv.weight",
                                      "exp_avg_sq.conv.weight",
                                      "exp_avg.bn.weight",
                                      "exp_avg_sq.bn.weight",
                                      "exp_avg.bn.bias",
                                      "exp_avg_sq.bn.bias",
                                      "step"}));
}

TEST(Optimizer, TakesStateByNameSoThatParametersMayHaveBeenFrozen) {
  Parameters all(kShapes, at::kFloat);
  const auto whole = create_optimizer(all, named("sgd"));
  all.set_gradients(0);
  whole->step();
  state::NamedTensors of_a_few;  // in another order, and of a parameter that is not trained now
  for (const auto& [name, tensor] : whole->state()) {
    if (name != "momentum_buffer.bn.weight")
      of_a_few.insert(of_a_few.begin(), {name, tensor.clone()});
  }
  of_a_few.emplace_back("momentum_buffer.fc.weight", at::ones({3}));

  Parameters again(kShapes, at::kFloat);
  const auto fresh = create_optimizer(again, named("sgd"));
  fresh->load(of_a_few);
  const auto expected = whole->state(), taken = fresh->state();
  for (size_t i = 0; i < taken.size(); ++i) {
    const bool is_fresh = taken[i].first == "momentum_buffer.bn.weight";
    EXPECT_EQ(at::equal(taken[i].second, expected[i].second), !is_fresh) << taken[i].first;
  }
}

TEST(Optimizer, RefusesAStateOfAnotherOptimizerOrModelAndKeepsItsOwn) {
  Parameters module(kShapes, at::kFloat);
  const auto sgd = create_optimizer(module, named("sgd"));
  EXPECT_THROW(sgd->load(create_optimizer(module, named("adamw"))->state()), Error);
  state::NamedTensors wrong_shape;
  for (const auto& [name, tensor] : sgd->state()) {
    wrong_shape.emplace_back(name, at::ones({7}));
  }
  EXPECT_THROW(sgd->load(wrong_shape), Error);
  for (const auto& [name, tensor] : sgd->state()) {
    EXPECT_FALSE(tensor.any().item<bool>()) << name;
  }
}

TEST(Optimizer, RefusesAStepWithoutAGradientAndNamesTheParameter) {
  Parameters module(kShapes, at::kFloat);
  const auto sgd = create_optimizer(module, named("sgd"));
  module.set_gradients(0);
  module.named_parameters()["bn.bias"].mutable_grad().reset();
  try {
    sgd->step();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("bn.bias"), std::string::npos);
  }
}

TEST(ParamGroups, SplitOffNormsAndBiasesOnlyWhenAsked) {
  Parameters module(kShapes, at::kFloat);
  OptimizerConfig config = named("sgd");
  config.weight_decay = 0.5;
  ASSERT_EQ(param_groups(module, config).size(), 1U);
  config.no_decay_norm_bias = true;
  const auto groups = param_groups(module, config);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].names, std::vector<std::string>{"conv.weight"});
  EXPECT_EQ(groups[0].weight_decay, 0.5);
  EXPECT_EQ(groups[1].names, (std::vector<std::string>{"bn.weight", "bn.bias"}));
  EXPECT_EQ(groups[1].weight_decay, 0.0);
}

TEST(ParamGroups, LeaveOutFrozenParameters) {
  Parameters module(kShapes, at::kFloat);
  module.named_parameters()["conv.weight"].requires_grad_(false);
  EXPECT_EQ(param_groups(module, named("sgd"))[0].names,
            (std::vector<std::string>{"bn.weight", "bn.bias"}));
}

}  // namespace
}  // namespace dtrain::optim
