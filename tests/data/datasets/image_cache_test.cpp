// Decoded images that threads and processes share.
#include "data/datasets/image_cache.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "data/datasets/cached_dataset.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

Sample sample_of(int64_t place) {
  Sample sample;
  sample.target = place % 3;
  sample.id = 1000 + place;
  sample.image.resize({4 + place % 5, 6, 3});
  for (size_t i = 0; i < sample.image.pixels.size(); ++i) {
    sample.image.pixels[i] = static_cast<uint8_t>(31 * place + static_cast<int64_t>(i));
  }
  return sample;
}

void expect_sample(const ImageCache& cache, int64_t place) {
  Sample found;
  found.encoded = {1, 2, 3};
  ASSERT_TRUE(cache.read(place, found)) << place;
  const Sample expected = sample_of(place);
  EXPECT_EQ(found.image.shape, expected.image.shape);
  EXPECT_EQ(found.image.pixels, expected.image.pixels);
  EXPECT_EQ(found.target, expected.target);
  EXPECT_EQ(found.id, expected.id);
  EXPECT_TRUE(found.encoded.empty());
}

TEST(ImageCache, GivesBackWhatWasStoredAndNothingElse) {
  const auto cache = ImageCache::create(10, 1 << 16);
  Sample found;
  for (int64_t place = 0; place < 10; ++place) EXPECT_FALSE(cache->read(place, found));
  for (const int64_t place : {7, 0, 9}) cache->store(place, sample_of(place));
  cache->store(7, sample_of(8));  // the first one stays
  for (const int64_t place : {7, 0, 9}) expect_sample(*cache, place);
  EXPECT_FALSE(cache->read(8, found));
  EXPECT_EQ(cache->stored(), 3);
}

TEST(ImageCache, KeepsWhatFitsAndNoMore) {
  const auto cache = ImageCache::create(100, 1000);  // an image takes 128 or 192 bytes
  for (int64_t place = 0; place < 100; ++place) cache->store(place, sample_of(place));
  Sample found;
  int64_t kept = 0;
  for (int64_t place = 0; place < 100; ++place) {
    if (!cache->read(place, found)) continue;
    ++kept;
    expect_sample(*cache, place);
  }
  EXPECT_EQ(kept, cache->stored());
  EXPECT_GE(kept, 5);
  EXPECT_LE(kept, 7);
}

TEST(ImageCache, IsFilledByManyThreadsAtOnce) {
  const auto cache = ImageCache::create(2000, 1 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Sample found;
      for (int64_t place = 0; place < 2000; ++place) {
        if (!cache->read(place, found)) cache->store(place, sample_of(place));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache->stored(), 2000);
  for (int64_t place = 0; place < 2000; ++place) expect_sample(*cache, place);
}

TEST(ImageCache, IsSharedBetweenProcesses) {
  const auto cache = ImageCache::create(4, 1 << 12);
  cache->store(1, sample_of(1));
  const std::string path = cache->path();
  const pid_t child = fork();
  if (child == 0) {
    const auto theirs = ImageCache::open(path);
    Sample found;
    const bool saw = theirs->read(1, found) && found.image.pixels == sample_of(1).image.pixels;
    theirs->store(2, sample_of(2));
    _exit(saw ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  expect_sample(*cache, 2);
}

TEST(ImageCache, ThatIsNoneIsRefused) {
  const testing::TempFolder folder;
  const std::string text =
      testing::error_text([&] { ImageCache::open(folder / "none"); }, ExitCode::kIo);
  EXPECT_TRUE(testing::mentions(text, {"none", "data.cache"}));
}

// Pictures of tests/golden/images, with the number of times each was read.
class Pictures : public Dataset {
 public:
  const std::string& name() const override { return name_; }
  int64_t size() const override { return 3; }
  void read(int64_t index, Sample& sample) const override {
    static const char* files[] = {"jpeg_420.jpg", "jpeg_orientation_6.jpg", "png_alpha.png"};
    ++reads;
    sample.encoded = testing::bytes_of(testing::kPictures / files[index]);
    sample.target = index;
    sample.id = 10 + index;
  }
  int64_t target(int64_t index) const override { return index; }
  ImageShape shape() const override { return {0, 0, 3}; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::string fingerprint() const override { return "pictures"; }
  mutable std::atomic<int> reads = 0;

 private:
  std::string name_ = "pictures";
  std::vector<std::string> names_ = {"a", "b", "c"};
};

TEST(CachedDataset, DecodesEachPictureOnceAndGivesTheSameWhetherItFitsOrNot) {
  for (const auto& [bytes, reads] : {std::pair{1 << 20, 3}, {0, 6}}) {
    auto pictures = std::make_unique<Pictures>();
    const Pictures& base = *pictures;
    const CachedDataset cached(std::move(pictures), ImageCache::create(3, bytes));
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (int64_t index = 0; index < 3; ++index) {
        Sample sample;
        cached.read(index, sample);
        EXPECT_TRUE(sample.encoded.empty());
        EXPECT_EQ(sample.id, 10 + index);
        EXPECT_EQ(sample.target, index);
        if (index == 1) {
          const Image shown = testing::read_ppm(testing::kPictures / "jpeg_orientation_6.ppm");
          EXPECT_LE(testing::difference(sample.image, shown).largest, 2);
        }
      }
    }
    EXPECT_EQ(base.reads, reads);
  }
}

}  // namespace
}  // namespace dtrain::data
