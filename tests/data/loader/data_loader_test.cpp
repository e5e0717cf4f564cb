// The loader: order, equality for any number of workers, failure and early ends.
#include "data/loader/data_loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stdexcept>

#include "data/transforms/factory.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::mentions;
using testing::TinyDataset;

constexpr uint64_t kSeed = 11;

// A batch by value.
struct Seen {
  std::vector<uint8_t> pixels;
  std::vector<int64_t> targets, ids;
  int64_t epoch, index, global_size;
  bool operator==(const Seen&) const = default;
};

Seen seen(const HostBatch& b) {
  return {{b.images, b.images + b.bytes()}, b.targets, b.ids, b.epoch, b.index, b.global_size};
}

Views all_transforms(const Dataset& dataset) {
  TransformConfig config;
  config.random_crop_padding = 2;
  config.random_erasing = 0.5;
  return {make_train_view(config, {{0.5}, {0.25}}, dataset.shape())};
}

std::vector<Seen> rest_of_epoch(DataLoader& loader) {
  std::vector<Seen> batches;
  while (const HostBatch* batch = loader.next()) batches.push_back(seen(*batch));
  return batches;
}

std::vector<Seen> epochs(const Dataset& dataset, const Sampler& sampler, LoaderOptions options) {
  DataLoader loader(dataset, sampler, all_transforms(dataset), options);
  std::vector<Seen> all;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    loader.start_epoch(epoch);
    const std::vector<Seen> batches = rest_of_epoch(loader);
    all.insert(all.end(), batches.begin(), batches.end());
  }
  return all;
}

// Blocks readers until it is opened.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    {
      std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST(DataLoader, BatchesAreTheSameBitForBitForAnyNumberOfWorkersAndSlots) {
  const TinyDataset dataset({.train = 103});
  for (const bool drop_last : {true, false}) {
    const Sampler sampler = Sampler::training(103, 10, drop_last, kSeed, {});
    const auto reference = epochs(dataset, sampler, {.workers = 0, .seed = kSeed});
    ASSERT_EQ(reference.size(), drop_last ? 30u : 33u);
    for (const int64_t workers : {1, 2, 4, 7}) {
      for (const int64_t prefetch : {1, 2, 5}) {
        EXPECT_EQ(
            epochs(dataset, sampler, {.workers = workers, .prefetch = prefetch, .seed = kSeed}),
            reference)
            << workers << " workers, " << prefetch << " slots";
      }
    }
  }
}

TEST(DataLoader, ASampleIsAugmentedTheSameOnAnyNumberOfRanks) {
  const TinyDataset dataset({.train = 96});
  std::vector<Seen> joined_before;
  for (const int64_t ranks : {1, 2, 3, 4}) {
    std::vector<Seen> joined(8);  // 96 samples in global batches of 12
    for (int64_t rank = 0; rank < ranks; ++rank) {
      const Sampler sampler = Sampler::training(96, 12 / ranks, true, kSeed, {rank, ranks});
      DataLoader loader(dataset, sampler, all_transforms(dataset), {.workers = 2, .seed = kSeed});
      loader.start_epoch(1);
      for (Seen& all : joined) {
        const Seen part = seen(*loader.next());
        all.pixels.insert(all.pixels.end(), part.pixels.begin(), part.pixels.end());
        all.targets.insert(all.targets.end(), part.targets.begin(), part.targets.end());
        all.ids.insert(all.ids.end(), part.ids.begin(), part.ids.end());
        all.epoch = part.epoch, all.index = part.index, all.global_size = part.global_size;
      }
    }
    if (ranks > 1) {
      EXPECT_EQ(joined, joined_before) << ranks << " ranks";
    }
    joined_before = joined;
  }
}

TEST(DataLoader, StartsAtAnyBatchAsIfItHadComeThere) {
  const TinyDataset dataset({.train = 50});
  const Sampler sampler = Sampler::training(50, 8, false, kSeed, {});
  const auto whole = epochs(dataset, sampler, {.workers = 0, .seed = kSeed});
  for (const int64_t workers : {0, 3}) {
    DataLoader loader(
        dataset, sampler, all_transforms(dataset), {.workers = workers, .seed = kSeed});
    for (int64_t first = 0; first <= 7; ++first) {
      loader.start_epoch(1, first);
      EXPECT_EQ(rest_of_epoch(loader),
                std::vector<Seen>(whole.begin() + 7 + first, whole.begin() + 14));
      loader.start_epoch(2);  // what follows naturally, also after a start at the very end
      EXPECT_EQ(rest_of_epoch(loader), std::vector<Seen>(whole.begin() + 14, whole.end()));
    }
  }
}

TEST(DataLoader, AnEpochMayBeLeftInTheMiddleForAnyOther) {
  const TinyDataset dataset({.train = 64});
  const Sampler sampler = Sampler::training(64, 8, true, kSeed, {});
  const auto whole = epochs(dataset, sampler, {.workers = 0, .seed = kSeed});
  DataLoader loader(dataset, sampler, all_transforms(dataset), {.workers = 3, .seed = kSeed});
  for (int64_t taken = 0; taken <= 8; ++taken) {
    for (const int64_t epoch : {2, 0, 1}) {
      loader.start_epoch(epoch);
      for (int64_t k = 0; k < taken; ++k) {
        ASSERT_EQ(seen(*loader.next()), whole[static_cast<size_t>(epoch * 8 + k)]);
      }
    }
  }
}

TEST(DataLoader, GivesNullAtTheEndAgainAndAgain) {
  const TinyDataset dataset({.train = 8});
  DataLoader loader(dataset, Sampler::training(8, 8, true, kSeed, {}), {}, {.workers = 1});
  loader.start_epoch(0);
  EXPECT_NE(loader.next(), nullptr);
  EXPECT_EQ(loader.next(), nullptr);
  EXPECT_EQ(loader.next(), nullptr);
}

TEST(DataLoader, EvaluationCoversEverySampleAlsoWhereARankHasNone) {
  const TinyDataset dataset({.train = 3});
  std::vector<int64_t> ids;
  for (int64_t rank = 0; rank < 5; ++rank) {
    DataLoader loader(dataset, Sampler::evaluation(3, 2, {rank, 5}), {}, {.workers = 2});
    for (const int64_t epoch : {0, 1}) {
      loader.start_epoch(epoch);
      for (const Seen& batch : rest_of_epoch(loader)) {
        if (epoch == 1) ids.insert(ids.end(), batch.ids.begin(), batch.ids.end());
      }
    }
  }
  EXPECT_EQ(ids, (std::vector<int64_t>{0, 1, 2}));
}

TEST(DataLoader, ARankWithoutAShareOfAShortBatchGetsAnEmptyOne) {
  const TinyDataset dataset({.train = 13});
  for (const int64_t workers : {0, 2}) {
    const Sampler sampler = Sampler::training(13, 4, false, kSeed, {2, 3});
    DataLoader loader(dataset, sampler, {}, {.workers = workers});
    loader.start_epoch(0);
    const auto batches = rest_of_epoch(loader);
    ASSERT_EQ(batches.size(), 2u);
    EXPECT_EQ(batches[0].ids.size(), 4u);
    EXPECT_EQ(batches[1].ids.size(), 0u);
    EXPECT_EQ(batches[1].global_size, 1);
  }
}

TEST(DataLoader, PreparesTheNextEpochBeforeItIsAskedFor) {
  std::atomic<int> reads = 0;
  Gate second_epoch_begun;
  const TinyDataset dataset({.train = 16}, [&](int64_t) {
    if (++reads == 32) second_epoch_begun.open();
  });
  DataLoader loader(
      dataset, Sampler::training(16, 8, true, kSeed, {}), {}, {.workers = 2, .prefetch = 4});
  loader.start_epoch(0);
  second_epoch_begun.wait();  // both epochs fit the slots
  EXPECT_EQ(rest_of_epoch(loader).size(), 2u);
  loader.start_epoch(1);
  EXPECT_EQ(rest_of_epoch(loader)[0].epoch, 1);
}

TEST(DataLoader, NeverRunsFurtherAheadThanItsSlots) {
  std::atomic<int64_t> reads = 0;
  const TinyDataset dataset({.train = 80}, [&](int64_t) { ++reads; });
  DataLoader loader(
      dataset, Sampler::training(80, 8, true, kSeed, {}), {}, {.workers = 3, .prefetch = 2});
  loader.start_epoch(0);
  for (int64_t k = 1; loader.next(); ++k) EXPECT_LE(reads, (k + 1) * 8);
}

TEST(DataLoader, WithoutWorkersReadsNothingAhead) {
  int64_t reads = 0;
  const TinyDataset dataset({.train = 80}, [&](int64_t) { ++reads; });
  DataLoader loader(dataset, Sampler::training(80, 8, true, kSeed, {}), {}, {.workers = 0});
  loader.start_epoch(0);
  EXPECT_EQ(reads, 0);
  for (int64_t k = 1; loader.next(); ++k) EXPECT_EQ(reads, k * 8);
}

TEST(DataLoader, AnExceptionArrivesAtItsBatchAndNamesTheSample) {
  const TinyDataset dataset({.train = 40}, [](int64_t index) {
    if (index == 21) throw std::runtime_error("the disk is on fire");
    if (index == 23) throw data_error("image 23.jpg", "not a JPEG", "remove it");
  });
  for (const int64_t workers : {0, 1, 4}) {
    // Evaluation visits in order: both bad samples are in batch 2, of which 21 comes first.
    DataLoader loader(dataset, Sampler::evaluation(40, 8, {}), {}, {.workers = workers});
    for (const int64_t epoch : {0, 1}) {
      loader.start_epoch(epoch);
      EXPECT_EQ(loader.next()->ids[0], 0);
      EXPECT_EQ(loader.next()->ids[0], 8);
      EXPECT_TRUE(mentions(error_text([&] { loader.next(); }, ExitCode::kData),
                           {"sample 21 of tiny", "the disk is on fire"}));
      EXPECT_EQ(loader.next()->ids[0], 24);  // the loader itself is whole
      EXPECT_EQ(rest_of_epoch(loader).size(), 1u);
    }
    loader.start_epoch(0, 2);
    EXPECT_THROW(loader.next(), Error);
  }
}

TEST(DataLoader, AnErrorKeepsItsExitCodeCauseAndAdvice) {
  const TinyDataset dataset({.train = 8}, [](int64_t index) {
    if (index == 3) throw io_error("image 3.jpg", "Input/output error", "check the disk");
  });
  DataLoader loader(dataset, Sampler::evaluation(8, 8, {}), {}, {.workers = 2});
  loader.start_epoch(0);
  EXPECT_EQ(error_text([&] { loader.next(); }, ExitCode::kIo),
            "sample 3 of tiny, image 3.jpg: Input/output error; check the disk");
}

TEST(DataLoader, ATransformThatChangesTheShapeIsAnError) {
  const TinyDataset dataset({.train = 8});
  View grow;
  grow.steps = {{"grow", kCropStream, [](Image& image, Image&, util::CounterRng&) {
                   image.resize({9, 9, 1});
                 }}};
  DataLoader loader(dataset, Sampler::evaluation(8, 8, {}), {grow}, {.workers = 2});
  loader.start_epoch(0);
  EXPECT_TRUE(mentions(error_text([&] { loader.next(); }, ExitCode::kData),
                       {"sample 0", "8 x 8 x 1", "9 x 9 x 1"}));
}

TEST(DataLoader, EndsAtOnceWhereverItStands) {
  constexpr int64_t kBatch = 4, kPrefetch = 3;
  std::atomic<int64_t> reads{0};
  const TinyDataset dataset({.train = 200}, [&](int64_t) { ++reads; });
  const Sampler sampler = Sampler::training(200, kBatch, true, kSeed, {});
  for (int64_t taken = 0; taken < 20; ++taken) {
    reads = 0;
    {
      DataLoader loader(
          dataset, sampler, all_transforms(dataset), {.workers = 3, .prefetch = kPrefetch});
      if (taken > 0) loader.start_epoch(0);
      for (int64_t k = 1; k < taken; ++k) loader.next();
    }
    // What was taken and what was being prepared, not the rest of the epoch.
    EXPECT_LE(reads, kBatch * (taken + kPrefetch)) << taken;
    EXPECT_GE(reads, kBatch * (taken - 1)) << taken;
  }
}

TEST(DataLoader, EndsWhenAnErrorWasNeverFetched) {
  std::atomic<int64_t> errors{0};
  std::binary_semaphore failed{0};
  const TinyDataset dataset({.train = 40}, [&](int64_t) {
    if (errors++ == 0) failed.release();
    throw std::runtime_error("bad");
  });
  {
    DataLoader loader(dataset, Sampler::evaluation(40, 8, {}), {}, {.workers = 2, .prefetch = 2});
    loader.start_epoch(0);
    failed.acquire();
  }
  EXPECT_LE(errors, 2 * 8);  // of two slots, not the rest of the epoch
}

TEST(DataLoader, NextBeforeStartEpochIsRefused) {
  const TinyDataset dataset;
  DataLoader loader(dataset, Sampler::evaluation(8, 8, {}), {}, {});
  EXPECT_TRUE(mentions(error_text([&] { loader.next(); }, ExitCode::kGaveUp), {"start_epoch()"}));
}

TEST(DataLoader, SlotsComeFromTheAllocatorAlignedAndAllGoBack) {
  struct Counting : SlotAllocator {
    int64_t live = 0, most = 0;
    uint8_t* allocate(size_t bytes) override {
      most = std::max(most, ++live);
      return aligned_slot_allocator().allocate(bytes);
    }
    void release(uint8_t* slot, size_t bytes) noexcept override {
      --live;
      aligned_slot_allocator().release(slot, bytes);
    }
  } allocator;
  const TinyDataset dataset({.train = 64});
  {
    DataLoader loader(
        dataset, Sampler::evaluation(64, 8, {}), {}, {.workers = 2, .prefetch = 3}, allocator);
    EXPECT_EQ(allocator.live, 0);
    for (const int64_t epoch : {0, 1, 5}) {
      loader.start_epoch(epoch);
      while (const HostBatch* batch = loader.next()) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(batch->images) % 64, 0u);
      }
    }
    EXPECT_EQ(allocator.most, 3);
  }
  EXPECT_EQ(allocator.live, 0);
}

}  // namespace
}  // namespace dtrain::data
