// What ranks compare before they train together, and what is said about it.
#include "run/agreement.h"

#include <gtest/gtest.h>

#include "models/registry.h"
#include "tests/support/mentions.h"

namespace dtrain::run {
namespace {

using dtrain::testing::mentions;

std::shared_ptr<nn::Classifier> model(const models::ModelConfig& config) {
  return models::create_model(config, 1);
}

models::ModelConfig narrow() {
  models::ModelConfig config;
  config.num_classes = 4;
  config.in_channels = 1;
  config.stem = "small";
  config.width = 8;
  return config;
}

const DataIdentity kData{"a", "b", {"cat", "dog"}};

Facts facts() { return facts_of(settings::RunConfig{}, kData, *model(narrow())); }

std::string difference(const Facts& mine) {
  const auto error = disagreement(mine, facts());
  if (!error) return "none";
  EXPECT_EQ(error->code(), ExitCode::kConfig);
  EXPECT_FALSE(error->advice().empty());
  return error->subject() + ": " + error->cause();
}

TEST(Agreement, OfEqualRanksFindsNothing) { EXPECT_EQ(difference(facts()), "none"); }

TEST(Agreement, NamesWhicheverFactDiffers) {
  for (size_t i = 0; i < facts().size(); ++i) {
    if (facts()[i].first == "config") continue;
    Facts mine = facts();
    mine[i].second += "x";
    EXPECT_TRUE(mentions(difference(mine), {mine[i].first, "rank 0"})) << difference(mine);
  }
}

TEST(Agreement, NamesTheSettingThatDiffersAndBothValues) {
  settings::RunConfig other;
  other.optimizer.lr = 0.25;
  const auto found = difference(facts_of(other, kData, *model(narrow())));
  EXPECT_TRUE(mentions(found, {"optimizer.lr", "0.25 here", "on rank 0"})) << found;
}

TEST(Agreement, AllowsHostsToDifferInThreadsAndDataFolder) {
  settings::RunConfig other;
  other.run.threads = 7;
  other.data.data_dir = "/elsewhere";
  EXPECT_EQ(difference(facts_of(other, kData, *model(narrow()))), "none");
}

TEST(Agreement, CoversDataClassesAndTheShapeAndTypeOfEveryParameter) {
  for (const DataIdentity& data : {DataIdentity{"x", "b", {"cat", "dog"}},
                                   DataIdentity{"a", "x", {"cat", "dog"}},
                                   DataIdentity{"a", "b", {"dog", "cat"}}}) {
    EXPECT_TRUE(mentions(difference(facts_of({}, data, *model(narrow()))), {"data set"}));
  }
  models::ModelConfig wide = narrow();
  wide.width = 12;
  const auto float64 = model(narrow());
  float64->to(at::kDouble);
  for (const auto& other : {model(wide), float64}) {
    EXPECT_TRUE(mentions(difference(facts_of({}, kData, *other)), {"parameter plan"}));
  }
}

}  // namespace
}  // namespace dtrain::run
