// Several views of a sample, and what happens to bad ones.
#include "data/loader/sample_pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "data/loader/data_loader.h"
#include "data/transforms/factory.h"
#include "data/transforms/tta.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::mentions;
using testing::TinyDataset;

const Normalization kNormalization{{0.5}, {0.25}};

std::vector<uint8_t> view_of(const HostBatch& batch, int64_t view) {
  const int64_t bytes = batch.size * batch.shape.bytes();
  return {batch.images + view * bytes, batch.images + (view + 1) * bytes};
}

TEST(Views, AreTheImagesOfEachViewAloneOneAfterTheOther) {
  const TinyDataset dataset({.train = 24});
  TransformConfig config;
  config.random_crop_padding = 2;
  View weak = make_train_view(config, kNormalization, dataset.shape());
  View plain = make_eval_view(config, dataset.shape());
  const Sampler sampler = Sampler::training(24, 6, true, 3, {});
  DataLoader both(dataset, sampler, {weak, plain}, {.workers = 2, .seed = 3});
  DataLoader first(dataset, sampler, {weak}, {.workers = 0, .seed = 3});
  DataLoader second(dataset, sampler, {plain}, {.workers = 0, .seed = 3});
  for (DataLoader* loader : {&both, &first, &second}) loader->start_epoch(1);
  for (int64_t k = 0; k < 4; ++k) {
    const HostBatch &b = *both.next(), &f = *first.next(), &s = *second.next();
    ASSERT_EQ(b.views, 2);
    EXPECT_EQ(b.targets, f.targets);
    EXPECT_EQ(view_of(b, 0), view_of(f, 0));
    EXPECT_EQ(view_of(b, 1), view_of(s, 0));
  }
}

TEST(Views, OfOneKindDrawForThemselves) {
  const TinyDataset dataset({.train = 64});
  TransformConfig config;
  config.random_crop_padding = 2;
  const View view = make_train_view(config, kNormalization, dataset.shape());
  DataLoader loader(dataset, Sampler::evaluation(64, 64, {}), {view, view}, {.seed = 3});
  loader.start_epoch(0);
  const HostBatch& batch = *loader.next();
  int64_t different = 0;
  for (int64_t i = 0; i < 64; ++i) {
    const uint8_t* one = batch.images + i * batch.shape.bytes();
    different += std::equal(one, one + batch.shape.bytes(), one + 64 * batch.shape.bytes()) ? 0 : 1;
  }
  EXPECT_GT(different, 55);  // 50 ways, each as likely
}

TEST(Views, OfDifferentSizesAreRefused) {
  const TinyDataset dataset;
  TransformConfig small;
  small.size = 6;
  const Views views = {make_eval_view({}, dataset.shape()), make_eval_view(small, dataset.shape())};
  EXPECT_TRUE(
      mentions(error_text([&] { SamplePipeline(dataset, views, 0, {}); }, ExitCode::kConfig),
               {"6 x 6 x 1"}));
}

// --- bad samples ---------------------------------------------------------------------------------

struct Visit {
  std::map<int64_t, int64_t> shown;  // index in the sampler's order -> id in its place
  std::set<int64_t> replaced;
};

// Every sample of two epochs; `bad` cannot be read.
Visit visit(const std::set<int64_t>& bad, int64_t ranks, int64_t workers, BadSamplePolicy policy) {
  const TinyDataset dataset({.train = 60}, [&](int64_t index) {
    if (bad.contains(index)) throw data_error("image", "damaged", "look at it");
  });
  Visit all;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    const Sampler sampler = Sampler::training(60, 12 / ranks, true, 3, {rank, ranks});
    DataLoader loader(dataset, sampler, {}, {.workers = workers, .seed = 3, .bad_samples = policy});
    for (const int64_t epoch : {0, 1}) {
      loader.start_epoch(epoch);
      const EpochPlan plan = sampler.plan(epoch);
      while (const HostBatch* batch = loader.next()) {
        for (int64_t i = 0; i < batch->size; ++i) {
          const int64_t index = plan.index(batch->index, i), id = batch->ids[size_t(i)];
          EXPECT_EQ(batch->targets[size_t(i)], id % 4);
          const auto [place, is_new] = all.shown.emplace(index, id);
          EXPECT_EQ(place->second, id) << "another replacement in epoch " << epoch;
        }
      }
    }
    all.replaced.merge(loader.replaced_samples());
  }
  return all;
}

TEST(BadSamples, AreReplacedByTheSameOnAnyNumberOfRanksAndWorkers) {
  const std::set<int64_t> bad = {3, 17, 18, 44};
  const BadSamplePolicy replace{.replace = true, .quota = 4};
  const Visit reference = visit(bad, 1, 0, replace);
  EXPECT_EQ(reference.replaced, bad);
  EXPECT_EQ(reference.shown.size(), 60U);
  for (const auto& [index, id] : reference.shown) {
    EXPECT_EQ(id == index, !bad.contains(index)) << index;
    EXPECT_FALSE(bad.contains(id)) << index;
  }
  for (const int64_t ranks : {1, 2, 3}) {
    const Visit other = visit(bad, ranks, 3, replace);
    EXPECT_EQ(other.shown, reference.shown) << ranks;
    EXPECT_EQ(other.replaced, bad) << ranks;
  }
}

TEST(BadSamples, AboveTheQuotaEndTraining) {
  const std::string text = error_text(
      [] {
        visit({3, 17, 18, 44}, 1, 0, {.replace = true, .quota = 3});
      },
      ExitCode::kData);
  EXPECT_TRUE(mentions(text, {"of tiny", "damaged", "number 4 where 3", "max_bad_samples"}))
      << text;
}

TEST(BadSamples, EndTrainingAtOnceUnlessTheyAreReplaced) {
  const std::string text = error_text([] { visit({17}, 1, 2, {}); }, ExitCode::kData);
  EXPECT_TRUE(mentions(text, {"sample 17 of tiny", "damaged"})) << text;
}

TEST(BadSamples, AllOfThemEndTrainingInsteadOfBeingLookedThroughForEver) {
  std::set<int64_t> bad;
  for (int64_t i = 0; i < 60; ++i) bad.insert(i);
  const std::string text =
      error_text([&] { visit(bad, 1, 0, {.replace = true, .quota = 1000}); }, ExitCode::kData);
  EXPECT_TRUE(mentions(text, {"in a row are bad", "verify-data"})) << text;
}

TEST(BadSamples, AreOnlyThoseOfTheData) {
  const TinyDataset dataset({.train = 8}, [](int64_t) {
    throw io_error("image", "Input/output error", "check the disk");
  });
  DataLoader loader(dataset,
                    Sampler::evaluation(8, 8, {}),
                    {},
                    {.workers = 1, .bad_samples = {.replace = true, .quota = 100}});
  loader.start_epoch(0);
  EXPECT_TRUE(mentions(error_text([&] { loader.next(); }, ExitCode::kIo), {"Input/output error"}));
}

TEST(Slots, AreFewerWhereTheyWouldTakeTooMuchMemory) {
  struct Counting : SlotAllocator {
    int64_t bytes = 0;
    uint8_t* allocate(size_t size) override {
      bytes += static_cast<int64_t>(size);
      return aligned_slot_allocator().allocate(size);
    }
    void release(uint8_t* slot, size_t size) noexcept override {
      aligned_slot_allocator().release(slot, size);
    }
  };
  const TinyDataset dataset({.train = 64});  // 64 bytes a sample, 512 a batch
  for (const auto& [limit, expected] : {std::pair{10000, 8}, {2048, 4}, {2047, 3}, {1, 2}}) {
    Counting allocator;
    DataLoader loader(dataset,
                      Sampler::evaluation(64, 8, {}),
                      {},
                      {.workers = 1, .prefetch = 8, .max_bytes = limit},
                      allocator);
    loader.start_epoch(0);
    EXPECT_EQ(allocator.bytes, expected * 512) << limit;
    int64_t samples = 0;
    while (const HostBatch* batch = loader.next()) samples += batch->size;
    EXPECT_EQ(samples, 64);
  }
}

}  // namespace
}  // namespace dtrain::data
