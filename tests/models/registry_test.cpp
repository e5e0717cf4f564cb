// The table of models and what `auto` and 0 mean in its config.
#include "models/registry.h"
#include "models/model_table.h"

#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"
#include "util/check.h"

namespace dtrain::models {
namespace {

constexpr InputSpec kFashionMnist = {.channels = 1, .height = 28, .width = 28, .classes = 10};

ModelConfig with_name(const std::string& name) {
  ModelConfig config;
  config.name = name;
  return config;
}

TEST(Registry, NamesItsModels) {
  EXPECT_EQ(model_names(), (std::vector<std::string>{"resnet18", "resnet34", "resnet50"}));
}

TEST(Registry, RefusesAnUnknownNameAndListsTheKnownOnes) {
  try {
    create_model(resolve(with_name("resnet19"), kFashionMnist), 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kConfig);
    EXPECT_NE(std::string(error.what()).find("resnet18, resnet34, resnet50"), std::string::npos);
  }
}

TEST(Registry, FillsChannelsClassesAndStemFromTheData) {
  const ModelConfig config = resolve(with_name("resnet18"), kFashionMnist);
  EXPECT_EQ(config.in_channels, 1);
  EXPECT_EQ(config.num_classes, 10);
  EXPECT_EQ(config.stem, "small");
}

TEST(Registry, TakesTheSmallStemUpToSixtyFourPixels) {
  InputSpec input = kFashionMnist;
  input.height = input.width = 64;
  EXPECT_EQ(resolve({}, input).stem, "small");
  input.width = 65;
  EXPECT_EQ(resolve({}, input).stem, "imagenet");
  ModelConfig config;
  config.stem = "small";
  EXPECT_EQ(resolve(config, input).stem, "small");
}

TEST(Registry, RefusesChannelsAndClassesThatContradictTheData) {
  ModelConfig config;
  config.num_classes = 11;
  EXPECT_THROW(resolve(config, kFashionMnist), Error);
  config.num_classes = 10;
  config.in_channels = 3;
  EXPECT_THROW(resolve(config, kFashionMnist), Error);
  config.in_channels = 1;
  EXPECT_EQ(resolve(config, kFashionMnist).num_classes, 10);
}

// As fvcore and torchvision's model pages count them: 1.81, 3.66 and 4.09 G for 224 x 224.
TEST(Registry, KnowsWhatAForwardPassCosts) {
  const auto cost = [](const char* name, const char* stem, int64_t side, int64_t width) {
    return double(multiply_adds(
        {.name = name, .in_channels = 3, .num_classes = 1000, .stem = stem, .width = width},
        {.channels = 3, .height = side, .width = side, .classes = 1000}));
  };
  EXPECT_NEAR(cost("resnet18", "imagenet", 224, 64) / 1e9, 1.814, 0.001);
  EXPECT_NEAR(cost("resnet34", "imagenet", 224, 64) / 1e9, 3.664, 0.001);
  EXPECT_NEAR(cost("resnet50", "imagenet", 224, 64) / 1e9, 4.089, 0.001);
  EXPECT_NEAR(cost("resnet18", "small", 32, 64) / 1e9, 0.556, 0.001);
  EXPECT_LT(cost("resnet18", "small", 32, 16) * 12, cost("resnet18", "small", 32, 64));
}

}  // namespace
}  // namespace dtrain::models
