// A part of a data set: whose samples it has, and what stays theirs.
#include "data/datasets/subset.h"

#include <gtest/gtest.h>

#include <set>

#include "data/loader/data_loader.h"
#include "tests/support/tiny_dataset.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

using dtrain::testing::TinyDataset;

// Counts how often loading is started.
class CountingDataset : public TinyDataset {
 public:
  void start_loading() override { ++started; }
  int started = 0;
};

const std::shared_ptr<Dataset> kBase = std::make_shared<TinyDataset>();

TEST(Subset, HasTheSamplesOfItsBaseUnderTheirIds) {
  const Subset some(kBase, "tiny, some", {3, 8, 63});
  EXPECT_EQ(some.name(), "tiny, some");
  ASSERT_EQ(some.size(), 3);
  EXPECT_EQ(some.shape(), kBase->shape());
  EXPECT_EQ(some.class_names(), kBase->class_names());
  Sample mine, theirs;
  for (const auto& [index, of_base] : {std::pair{0, 3}, {1, 8}, {2, 63}}) {
    some.read(index, mine);
    kBase->read(of_base, theirs);
    EXPECT_EQ(mine.id, of_base);
    EXPECT_EQ(mine.target, theirs.target);
    EXPECT_EQ(some.target(index), theirs.target);
    EXPECT_EQ(mine.image.pixels, theirs.image.pixels);
    EXPECT_EQ(some.describe(index), kBase->describe(of_base));
  }
  EXPECT_EQ(targets_of(some), (std::vector<int64_t>{3, 0, 3}));
}

TEST(Subset, FingerprintTellsTheSamplesAndTheContent) {
  const auto other = std::make_shared<TinyDataset>(dtrain::testing::TinyOptions{.seed = 2});
  const auto of = [](const std::shared_ptr<Dataset>& base, std::vector<int64_t> indices) {
    return Subset(base, "x", std::move(indices)).fingerprint();
  };
  EXPECT_EQ(of(kBase, {1, 2}), of(kBase, {1, 2}));
  const std::set<std::string> different = {kBase->fingerprint(),
                                           of(kBase, {1, 2}),
                                           of(kBase, {1, 3}),
                                           of(kBase, {1}),
                                           of(other, {1, 2})};
  EXPECT_EQ(different.size(), 5U);
}

TEST(Subset, PassesTheStartOfLoadingOn) {
  const auto base = std::make_shared<CountingDataset>();
  Subset(base, "x", {1}).start_loading();
  EXPECT_EQ(base->started, 1);
}

TEST(Subset, RefusesIndicesThatDoNotAscendWithinTheBase) {
  for (const std::vector<int64_t>& indices :
       {std::vector<int64_t>{2, 1}, {1, 1}, {-1, 0}, {0, 64}}) {
    EXPECT_THROW(Subset(kBase, "x", indices), Error);
  }
  const Subset some(kBase, "x", {5});
  Sample sample;
  EXPECT_THROW(some.read(1, sample), Error);
  EXPECT_THROW(some.target(-1), Error);
}

// What a sample is turned into must not depend on the part it is in.
TEST(Subset, RandomDrawsFollowTheSampleNotItsPlace) {
  View noise;
  noise.steps = {{"noise", kFlipStream, [](Image& image, Image&, util::CounterRng& rng) {
                    for (uint8_t& pixel : image.pixels) {
                      pixel = static_cast<uint8_t>(rng.below(256));
                    }
                  }}};
  const auto pixels_of = [&](const Dataset& dataset, int64_t wanted) {
    DataLoader loader(
        dataset, Sampler::evaluation(dataset.size(), 1, {0, 1}), {noise}, {.seed = 3});
    loader.start_epoch(2);
    while (const HostBatch* batch = loader.next()) {
      if (batch->ids[0] == wanted) {
        return std::vector<uint8_t>(batch->images, batch->images + batch->bytes());
      }
    }
    return std::vector<uint8_t>();
  };
  const auto whole = pixels_of(*kBase, 40);
  ASSERT_FALSE(whole.empty());
  EXPECT_EQ(pixels_of(Subset(kBase, "x", {7, 40}), 40), whole);
}

}  // namespace
}  // namespace dtrain::data
