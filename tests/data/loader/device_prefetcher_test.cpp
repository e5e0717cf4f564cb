// The last stage: u8 slots -> normalised tensors.
#include "data/loader/device_prefetcher.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::mentions;
using testing::TinyDataset;

Normalization normalization(int64_t channels) {
  const std::vector<double> mean = {0.485, 0.456, 0.406, 0.3}, std = {0.229, 0.224, 0.225, 0.2};
  return {{mean.begin(), mean.begin() + channels}, {std.begin(), std.begin() + channels}};
}

// What torchvision computes, ToTensor and then Normalize, by the same operators.
at::Tensor reference(const std::vector<uint8_t>& pixels,
                     int64_t size,
                     const ImageShape& shape,
                     const Normalization& n,
                     at::ScalarType dtype) {
  const auto [height, width, channels] = shape;
  const at::Tensor u8 = at::from_blob(const_cast<uint8_t*>(pixels.data()),
                                      {size, height, width, channels},
                                      at::TensorOptions().dtype(at::kByte));
  const at::Tensor x = u8.permute({0, 3, 1, 2}).contiguous().to(dtype).div(255);
  const at::Tensor mean = at::tensor(n.mean, at::kDouble).to(dtype).view({1, channels, 1, 1});
  const at::Tensor std = at::tensor(n.std, at::kDouble).to(dtype).view({1, channels, 1, 1});
  return x.sub(mean).div(std);
}

TEST(NormalizeImages, EqualsTorchvisionBitForBit) {
  for (const int64_t channels : {1, 2, 3, 4}) {
    const ImageShape shape{16, 17, channels};
    std::vector<uint8_t> pixels(static_cast<size_t>(5 * shape.bytes()));
    std::iota(pixels.begin(), pixels.end(), uint8_t{0});
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      const at::Tensor images =
          normalize_images(pixels.data(), 5, shape, normalization(channels), dtype);
      EXPECT_EQ(images.scalar_type(), dtype);
      EXPECT_TRUE(images.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_TRUE(at::equal(images, reference(pixels, 5, shape, normalization(channels), dtype)))
          << channels << " channels";
    }
  }
}

TEST(NormalizeImages, IsTheSameForOneThreadAndSeveral) {
  const ImageShape shape{128, 128, 3};  // a million pixels, so that threads share them
  std::vector<uint8_t> pixels(static_cast<size_t>(64 * shape.bytes()));
  std::iota(pixels.begin(), pixels.end(), uint8_t{0});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = normalize_images(pixels.data(), 64, shape, normalization(3), at::kFloat);
  at::set_num_threads(3);
  const at::Tensor three = normalize_images(pixels.data(), 64, shape, normalization(3), at::kFloat);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one, three));
}

TEST(NormalizeImages, AnEmptyBatchKeepsItsShape) {
  const at::Tensor none = normalize_images(nullptr, 0, {4, 5, 3}, normalization(3), at::kFloat);
  EXPECT_EQ(none.sizes(), (std::vector<int64_t>{0, 3, 4, 5}));
}

TEST(DevicePrefetcher, BatchesOutliveTheSlotsTheyCameFrom) {
  const TinyDataset dataset({.train = 40});
  const Sampler sampler = Sampler::training(40, 8, true, 3, {});
  DataLoader loader(
      dataset, sampler, {}, {.workers = 2, .prefetch = 2}, slot_allocator_for(at::kCPU));
  DevicePrefetcher prefetcher(loader, normalization(1), at::kCPU);
  prefetcher.start_epoch(0);
  std::vector<Batch> batches;
  while (std::optional<Batch> batch = prefetcher.next()) batches.push_back(*batch);
  ASSERT_EQ(batches.size(), 5u);

  const EpochPlan plan = sampler.plan(0);
  for (int64_t k = 0; k < 5; ++k) {
    const Batch& batch = batches[static_cast<size_t>(k)];
    ASSERT_EQ(batch.size(), 8);
    EXPECT_EQ(batch.index, k);
    EXPECT_EQ(batch.global_size, 8);
    for (int64_t i = 0; i < 8; ++i) {
      const int64_t id = plan.index(k, i);
      EXPECT_EQ(batch.ids[i].item<int64_t>(), id);
      EXPECT_EQ(batch.targets[i].item<int64_t>(), id % 4);
      const auto pixels = testing::tiny_image({.train = 40}, id);
      EXPECT_TRUE(at::equal(batch.images[i],
                            reference(pixels, 1, {8, 8, 1}, normalization(1), at::kFloat)[0]));
    }
  }
}

TEST(DevicePrefetcher, ResumesInTheMiddleAndGivesFloat64WhenAsked) {
  const TinyDataset dataset({.train = 40});
  DataLoader loader(dataset, Sampler::training(40, 8, true, 3, {}), {}, {.workers = 1});
  DevicePrefetcher prefetcher(loader, normalization(1), at::kCPU, at::kDouble);
  prefetcher.start_epoch(2, 3);
  EXPECT_EQ(prefetcher.next()->index, 3);
  EXPECT_EQ(prefetcher.next()->images.scalar_type(), at::kDouble);
  EXPECT_FALSE(prefetcher.next().has_value());
}

TEST(DevicePrefetcher, ADeviceThisBuildDoesNotKnowIsAConfigError) {
  const TinyDataset dataset;
  DataLoader loader(dataset, Sampler::training(8, 8, true, 3, {}), {}, {});
  EXPECT_TRUE(mentions(
      error_text([&] { DevicePrefetcher(loader, normalization(1), at::kXPU); }, ExitCode::kConfig),
      {"xpu", "--device cpu"}));
}

}  // namespace
}  // namespace dtrain::data
