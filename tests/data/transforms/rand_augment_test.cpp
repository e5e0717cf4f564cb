// Operations of automatic augmentation and their magnitudes against torchvision, and the draws of
// RandAugment and TrivialAugment Wide.
#include "data/transforms/rand_augment.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "tests/data/transforms/augment_golden.h"

namespace dtrain::data {
namespace {

using testing::augment_cases;
using testing::augment_json;
using testing::AugmentCase;
using testing::chi_square;
using testing::expect_golden;
using util::CounterRng;

constexpr ImageShape kRandAugmentShape{224, 224, 3};

CounterRng rand_augment_rng(int64_t sample) { return {9, util::RandomStream::kTest, 0, sample}; }

TEST(AugmentOperation, EveryOneIsTorchvisionsBitForBit) {
  Image scratch;
  std::map<std::string, int> seen;
  for (const OperationInfo& row : kOperations) {
    expect_golden("automatic", row.name, [&](Image& image, const AugmentCase& c) {
      apply(image, scratch, {row.operation, c.arguments[0]}, c.options);
      ++seen[row.name];
    });
  }
  EXPECT_EQ(seen.size(), 15u);
}

TEST(AugmentOperation, RowsOfTheTableStandAtTheirNumbers) {
  for (size_t i = 0; i < kOperations.size(); ++i) {
    EXPECT_EQ(size_t(kOperations[i].operation), i);
    EXPECT_EQ(size_t(kUsualRanges[i].operation), i);
  }
  for (size_t i = 0; i < kWideRanges.size(); ++i) {
    EXPECT_EQ(size_t(kWideRanges[i].operation), i);
  }
}

// All magnitudes and signs of a space of torchvision's, in its order of operations.
void expect_space(const std::string& name,
                  std::span<const MagnitudeRange> ranges,
                  int64_t bins,
                  const ImageShape& shape) {
  const auto tables = augment_json("tables.json");
  for (const auto& [operation, row] : tables[name].items()) {
    const auto range = std::find_if(ranges.begin(), ranges.end(), [&](const MagnitudeRange& r) {
      return info(r.operation).name == operation;
    });
    ASSERT_NE(range, ranges.end()) << operation;
    EXPECT_EQ(info(range->operation).is_signed, bool(row["signed"])) << operation;
    const auto magnitudes = row["magnitudes"].get<std::vector<double>>();
    EXPECT_EQ(range->unit == MagnitudeUnit::kNone, magnitudes.size() == 1) << operation;
    for (size_t bin = 0; bin < magnitudes.size(); ++bin) {
      EXPECT_EQ(magnitude_of(*range, int64_t(bin), bins, shape), magnitudes[bin])
          << operation << " " << bin;
    }
  }
}

TEST(AugmentOperation, MagnitudesAreTorchvisionsToTheLastBit) {
  expect_space("rand_augment_31_at_224x224", kUsualRanges, 31, kRandAugmentShape);
  expect_space("rand_augment_31_at_33x47", kUsualRanges, 31, {33, 47, 3});
  expect_space("rand_augment_11_at_32x32", kUsualRanges, 11, {32, 32, 1});
  expect_space("trivial_augment_wide_31", kWideRanges, 31, kRandAugmentShape);
  expect_space("auto_augment_10_at_32x32", kUsualRanges, 10, {32, 32, 3});
}

// Counts of each operation, of either sign where it has one and a magnitude, and of each magnitude.
struct Tally {
  std::map<Operation, int64_t> operations;
  std::map<Operation, std::vector<int64_t>> signs;
  std::map<Operation, std::map<double, int64_t>> magnitudes;

  void add(const OperationDraw& draw) {
    ++operations[draw.operation];
    ++magnitudes[draw.operation][std::abs(draw.magnitude)];
    if (draw.magnitude == 0) return;
    auto& counts = signs[draw.operation];
    counts.resize(2);
    ++counts[draw.magnitude < 0];
  }
};

std::vector<int64_t> counts_of(const auto& map) {
  std::vector<int64_t> counts;
  for (const auto& [key, count] : map) counts.push_back(count);
  return counts;
}

void expect_even_operations_and_signs(const Tally& tally, const std::string& space) {
  const auto tables = augment_json("tables.json");
  ASSERT_EQ(tally.operations.size(), 14u);
  EXPECT_LT(chi_square(counts_of(tally.operations)), 34.5);  // 13 degrees of freedom: 99.9 %
  for (const auto& [operation, row] : tables[space].items()) {
    const auto found = std::find_if(tally.operations.begin(), tally.operations.end(), [&](auto& o) {
      return info(o.first).name == operation;
    });
    ASSERT_NE(found, tally.operations.end()) << operation;
    const auto signs = tally.signs.find(found->first);
    if (row["signed"]) {
      EXPECT_LT(chi_square(signs->second), 10.8) << operation;  // 1 degree
    } else if (signs != tally.signs.end()) {
      EXPECT_EQ(signs->second[1], 0) << operation;
    }
  }
}

TEST(RandAugment, OperationsAndSignsAreEquallyLikelyAndMagnitudesFixed) {
  const RandAugmentParameters parameters;
  Tally tally;
  for (int64_t id = 0; id < 28000; ++id) {
    CounterRng rng = rand_augment_rng(id);
    tally.add(draw_rand_augment(parameters, kRandAugmentShape, rng));
  }
  expect_even_operations_and_signs(tally, "rand_augment_31_at_224x224");
  for (const auto& [operation, magnitudes] : tally.magnitudes) {
    const MagnitudeRange& range = kUsualRanges[size_t(operation)];
    ASSERT_EQ(magnitudes.size(), 1u) << info(operation).name;
    EXPECT_EQ(magnitudes.begin()->first, magnitude_of(range, 9, 31, kRandAugmentShape));
  }
}

TEST(RandAugment, AppliesAsManyOperationsAsAskedForOneAfterTheOther) {
  const Image photo = augment_cases("automatic", "Identity").front().input;
  const RandAugmentParameters parameters{
      .operations = 3, .magnitude = 20, .affine = {Interpolation::kNearest, {1, 2, 3}}};
  for (int64_t id = 0; id < 200; ++id) {
    Image image = photo, expected = photo, scratch;
    CounterRng rng = rand_augment_rng(id), same = rand_augment_rng(id);
    rand_augment(image, scratch, parameters, rng);
    for (int i = 0; i < 3; ++i) {
      const OperationDraw draw = draw_rand_augment(parameters, photo.shape, same);
      apply(expected, scratch, draw, parameters.affine);
    }
    ASSERT_EQ(image.pixels, expected.pixels) << id;
  }
}

TEST(TrivialAugmentWide, OperationsSignsAndMagnitudesAreEquallyLikely) {
  const TrivialAugmentParameters parameters;
  Tally tally;
  for (int64_t id = 0; id < 140000; ++id) {
    CounterRng rng = rand_augment_rng(id);
    tally.add(draw_trivial_augment_wide(parameters, kRandAugmentShape, rng));
  }
  expect_even_operations_and_signs(tally, "trivial_augment_wide_31");
  for (const auto& [operation, magnitudes] : tally.magnitudes) {
    if (operation == Operation::kPosterize) {  // 8 .. 2 bits: outer ones have fewer bins
      ASSERT_EQ(magnitudes.size(), 7u);
    } else if (kWideRanges[size_t(operation)].unit == MagnitudeUnit::kNone) {
      ASSERT_EQ(magnitudes.size(), 1u);
    } else {
      ASSERT_EQ(magnitudes.size(), 31u) << info(operation).name;
      EXPECT_LT(chi_square(counts_of(magnitudes)), 59.7) << info(operation).name;  // 30 degrees
    }
  }
}

TEST(TrivialAugmentWide, AppliesTheOperationThatItDraws) {
  const Image photo = augment_cases("automatic", "Identity").front().input;
  const TrivialAugmentParameters parameters;
  for (int64_t id = 0; id < 200; ++id) {
    Image image = photo, expected = photo, scratch;
    CounterRng rng = rand_augment_rng(id), same = rand_augment_rng(id);
    trivial_augment_wide(image, scratch, parameters, rng);
    apply(expected, scratch, draw_trivial_augment_wide(parameters, photo.shape, same), {});
    ASSERT_EQ(image.pixels, expected.pixels) << id;
  }
}

}  // namespace
}  // namespace dtrain::data
