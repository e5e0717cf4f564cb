// AutoAugment's policies against torchvision's, and their draws.
#include "data/transforms/auto_augment.h"

#include <cmath>
#include <map>

#include "tests/data/transforms/augment_golden.h"

namespace dtrain::data {
namespace {

using testing::augment_cases;
using testing::augment_json;
using util::CounterRng;

constexpr ImageShape kShape{32, 32, 3};

const std::map<std::string, AutoAugmentPolicy> kPolicies = {
    {"imagenet", AutoAugmentPolicy::kImageNet},
    {"cifar10", AutoAugmentPolicy::kCifar10},
    {"svhn", AutoAugmentPolicy::kSvhn}};

CounterRng auto_augment_rng(int64_t sample) { return {11, util::RandomStream::kTest, 0, sample}; }

TEST(AutoAugment, PoliciesAreTorchvisions) {
  const auto golden = augment_json("tables.json")["policies"];
  ASSERT_EQ(golden.size(), kPolicies.size());
  for (const auto& [name, pairs] : golden.items()) {
    const PolicyTable& table = policy_table(kPolicies.at(name));
    ASSERT_EQ(pairs.size(), table.size());
    for (size_t i = 0; i < table.size(); ++i) {
      for (size_t k = 0; k < 2; ++k) {
        const PolicyStep& step = table[i][k];
        const auto& expected = pairs[i][k];
        const bool without = kUsualRanges[size_t(step.operation)].unit == MagnitudeUnit::kNone;
        EXPECT_EQ(info(step.operation).name, expected[0]) << name << " " << i;
        EXPECT_EQ(step.probability, double(expected[1])) << name << " " << i;
        EXPECT_EQ(without, expected[2].is_null()) << name << " " << i;
        EXPECT_EQ(step.bin, without ? 0 : int64_t(expected[2])) << name << " " << i;
      }
    }
  }
}

// How often each step with its sign comes first and second, by the table: a sum over the pairs.
using Frequencies = std::map<std::pair<Operation, double>, double>;

Frequencies expected_frequencies(const PolicyTable& table, size_t place) {
  Frequencies expected;
  for (const SubPolicy& pair : table) {
    const PolicyStep& step = pair[place];
    const double share = step.probability / double(table.size());
    if (share == 0) continue;
    const MagnitudeRange& range = kUsualRanges[size_t(step.operation)];
    const double magnitude = magnitude_of(range, step.bin, 10, kShape);
    const bool both = info(step.operation).is_signed && magnitude != 0;
    expected[{step.operation, magnitude}] += both ? share / 2 : share;
    if (both) expected[{step.operation, -magnitude}] += share / 2;
  }
  return expected;
}

TEST(AutoAugment, StepsComeAsOftenAsTheTableSaysWithEitherSign) {
  constexpr int64_t kDraws = 100000;
  for (const auto& [name, policy] : kPolicies) {
    std::array<Frequencies, 2> found;
    for (int64_t id = 0; id < kDraws; ++id) {
      CounterRng rng = auto_augment_rng(id);
      const AutoAugmentDraw draw = draw_auto_augment(policy, kShape, rng);
      for (size_t k = 0; k < 2; ++k) {
        if (draw[k]) ++found[k][{draw[k]->operation, draw[k]->magnitude}];
      }
    }
    for (size_t k = 0; k < 2; ++k) {
      const Frequencies expected = expected_frequencies(policy_table(policy), k);
      EXPECT_EQ(found[k].size(), expected.size()) << name;
      for (const auto& [step, share] : expected) {
        EXPECT_NEAR(found[k][step], share * kDraws, 4.5 * std::sqrt(share * kDraws))
            << name << " " << k << " " << info(step.first).name << " " << step.second;
      }
    }
  }
}

TEST(AutoAugment, StepsOfAPairAreDrawnIndependently) {
  // ImageNet's pair Posterize 0.6 and Posterize 0.6 is the only one that posterizes twice.
  constexpr int64_t kDraws = 100000;
  int64_t both = 0;
  for (int64_t id = 0; id < kDraws; ++id) {
    CounterRng rng = auto_augment_rng(id);
    const AutoAugmentDraw draw = draw_auto_augment(AutoAugmentPolicy::kImageNet, kShape, rng);
    both += draw[0] && draw[1] && draw[0]->operation == Operation::kPosterize &&
            draw[1]->operation == Operation::kPosterize;
  }
  const double expected = kDraws * 0.36 / 25;
  EXPECT_NEAR(double(both), expected, 4 * std::sqrt(expected));
}

TEST(AutoAugment, AppliesTheStepsThatItDraws) {
  const Image photo = augment_cases("automatic", "Identity").front().input;
  const AffineOptions options{Interpolation::kNearest, {9, 8, 7}};
  for (int64_t id = 0; id < 200; ++id) {
    Image image = photo, expected = photo, scratch;
    CounterRng rng = auto_augment_rng(id), same = auto_augment_rng(id);
    auto_augment(image, scratch, AutoAugmentPolicy::kSvhn, options, rng);
    for (const auto& step : draw_auto_augment(AutoAugmentPolicy::kSvhn, photo.shape, same)) {
      if (step) apply(expected, scratch, *step, options);
    }
    ASSERT_EQ(image.pixels, expected.pixels) << id;
  }
}

}  // namespace
}  // namespace dtrain::data
