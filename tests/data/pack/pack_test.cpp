// Packing: what goes in comes out, whatever happens on the way.
#include "data/pack/pack.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <fstream>

#include "data/datasets/dataset_registry.h"
#include "data/datasets/image_folder.h"
#include "data/loader/data_loader.h"
#include "tests/data/pack/pack_samples.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::all_samples;
using dtrain::testing::bytes_of;
using dtrain::testing::EncodedPictures;
using dtrain::testing::error_text;
using dtrain::testing::expect_same;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;
using dtrain::testing::names_in;
using dtrain::testing::open_pack;
using dtrain::testing::TinyDataset;
using Names = std::vector<std::string>;

// Large enough for many chunks (4 MB).
constexpr dtrain::testing::TinyOptions kManyPixels{
    .train = 300, .test = 1, .height = 64, .width = 64, .channels = 3};

class PackTest : public ::testing::Test {
 protected:
  void add(const std::string& path, const std::string& picture = "jpeg_420.jpg") const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(kPictures / picture, folder_ / path);
  }
  ImageFolder pictures(const std::string& split = "train") const {
    return ImageFolder({.name = "pictures/" + split,
                        .root = folder_.path(),
                        .split = split,
                        .class_split = "train",
                        .limit = 0,
                        .advice = "name another folder"});
  }
  PackReport pack_train(const Dataset& train, PackOptions options = {}) const {
    options.output = file_;
    return pack({{"train", &train}}, options);
  }
  // Packs in a process that is killed before sample `last` is written, unless it ends before.
  void pack_and_kill(const Dataset& train, int64_t last) const {
    const pid_t child = ::fork();
    if (child == 0) {
      pack_train(train, {.threads = 2, .on_progress = [&](int64_t done, int64_t, int64_t) {
                           if (done == last) ::raise(SIGKILL);
                         }});
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ASSERT_FALSE(fs::exists(file_));
  }
  void expect_alone() const { EXPECT_EQ(names_in(out_.path()), Names{"a.h5"}); }

  dtrain::testing::TempFolder folder_, out_;
  const fs::path file_ = out_ / "a.h5";
};

TEST_F(PackTest, PixelsComeBackAsTheyWere) {
  for (const int64_t channels : {1, 3}) {
    const TinyDataset tiny({.train = 50, .test = 1, .height = 5, .width = 7, .channels = channels});
    const PackReport report = pack_train(tiny);
    EXPECT_EQ(report.splits[0].samples, 50);
    EXPECT_EQ(report.bytes, 50 * 35 * channels);
    expect_same(open_pack(file_), tiny);
    expect_alone();
    fs::remove(file_);
  }
}

TEST_F(PackTest, IsNormalisedAsWhatWasPacked) {
  const DatasetRow& row = find_dataset("pack");
  const TinyDataset grey({.train = 5, .test = 1, .height = 5, .width = 7, .channels = 1});
  pack({{"train", &grey}}, {.output = file_, .statistics = {{0.25}, {0.125}}});
  const PixelStatistics kept = statistics_of(row, open_pack(file_));
  EXPECT_EQ(kept.mean, std::vector<double>{0.25});
  EXPECT_EQ(kept.std, std::vector<double>{0.125});
  // Packs of older versions say nothing, and grey ones had to be told.
  fs::remove(file_);
  pack({{"train", &grey}}, {.output = file_});
  const PixelStatistics assumed = statistics_of(row, open_pack(file_));
  ASSERT_EQ(assumed.mean.size(), 1U);
  EXPECT_NEAR(assumed.mean[0], 0.449, 1e-9);
  EXPECT_NEAR(assumed.std[0], 0.226, 1e-9);
}

TEST_F(PackTest, FilesComeBackByteForByteWithTheirPaths) {
  for (const char* name : {"train/dog/1.jpg", "train/cat/2.jpg", "val/dog/3.jpg"}) add(name);
  add("train/cat/a b.png", "photo.png");
  const ImageFolder train = pictures(), validation = pictures("validation");
  pack({{"train", &train}, {"validation", &validation}}, {.output = file_});
  const PackDataset packed = open_pack(file_), packed_validation = open_pack(file_, "validation");
  expect_same(packed, train);
  expect_same(packed_validation, validation);
  EXPECT_EQ(packed.origin(1), "train/cat/a b.png");
  EXPECT_TRUE(mentions(packed.describe(1), {"pack/train", "train/cat/a b.png", "a.h5"}));
  EXPECT_EQ(packed_validation.origin(0), "val/dog/3.jpg");
  EXPECT_EQ(PackDataset::splits(file_), (Names{"train", "validation"}));
}

TEST_F(PackTest, SamplesWithoutLabelsAreASplitOfTheirOwn) {
  for (const char* name : {"training/labeled/a/1.jpg", "training/unlabeled/2.jpg"}) add(name);
  DatasetConfig config;
  config.dataset = "image_folder";
  config.data_dir = folder_.path();
  const auto splits = open_all_splits(config);
  ASSERT_EQ(splits.size(), 2U);
  pack({{splits[0].name, splits[0].dataset.get()}, {splits[1].name, splits[1].dataset.get()}},
       {.output = file_});
  config.dataset = "pack";
  config.data_dir = file_;
  const auto unlabelled = open_dataset(config, Split::kUnlabelled);
  expect_same(*unlabelled, *splits[1].dataset);
  EXPECT_EQ(unlabelled->target(0), kUnlabelled);
}

TEST_F(PackTest, SamplesWithoutLabelsMayStandInAnySplitOfFoldersAndCsvFiles) {
  for (const char* name : {"train/a/1.jpg", "train/b/2.jpg", "test/0001.jpg", "test/0002.jpg"}) {
    add(name);
  }
  std::ofstream(folder_ / "all.csv")
      << "path,label,split\ntrain/a/1.jpg,a,train\ntrain/b/2.jpg,,train\n"
         "test/0001.jpg,,test\ntest/0002.jpg,,test\n";
  for (const char* dataset : {"image_folder", "csv"}) {
    DatasetConfig config;
    config.dataset = dataset;
    config.data_dir =
        config.dataset == "csv" ? (folder_ / "all.csv").string() : folder_.path().string();
    const auto splits = open_all_splits(config);
    ASSERT_EQ(splits.size(), 2U);
    const fs::path packed = out_ / (config.dataset + ".h5");
    for (const int64_t size : {0, 8}) {
      fs::remove(packed);
      pack({{"train", splits[0].dataset.get()}, {"test", splits[1].dataset.get()}},
           {.output = packed, .size = size});
      const PackDataset test = open_pack(packed, "test");
      ASSERT_EQ(test.size(), 2);
      EXPECT_EQ(test.class_names(), splits[0].dataset->class_names());
      for (int64_t i = 0; i < 2; ++i) {
        Sample sample;
        test.read(i, sample);
        EXPECT_EQ(sample.target, kUnlabelled);
        EXPECT_EQ(test.target(i), kUnlabelled);
        EXPECT_EQ(test.origin(i), splits[1].dataset->origin(i));
      }
      const PackDataset train = open_pack(packed);
      EXPECT_EQ(train.target(0), 0);
      EXPECT_EQ(train.target(1), config.dataset == "csv" ? kUnlabelled : 1);
    }
  }
}

TEST_F(PackTest, ASizeStoresTheMiddleAsTheLoaderCutsIt) {
  add("train/a/1.jpg", "jpeg_orientation_6.jpg");
  add("train/b/2.png", "png_palette.png");
  const ImageFolder train = pictures();
  for (const bool exact : {false, true}) {
    pack_train(train, {.size = 24, .exact = exact});
    const PackDataset packed = open_pack(file_);
    EXPECT_EQ(packed.shape(), (ImageShape{24, 24, 3}));
    FramingParameters framing{.shape = {24, 24, 3}, .resize = 24, .exact = exact};
    FramingScratch scratch;
    util::CounterRng rng(1, util::RandomStream::kAugment, 0, 0);
    Image cut;
    for (int64_t i = 0; i < train.size(); ++i) {
      Sample sample, stored;
      train.read(i, sample);
      frame(framing, sample, cut, scratch, rng);
      packed.read(i, stored);
      EXPECT_EQ(stored.image.pixels, cut.pixels);
    }
    fs::remove(file_);
  }
}

TEST_F(PackTest, AnotherNumberOfThreadsGivesTheSameFile) {
  const EncodedPictures train(300, 4000);
  pack_train(train, {.threads = 1});
  const auto one = bytes_of(file_);
  fs::remove(file_);
  pack_train(train, {.threads = 4});
  EXPECT_EQ(bytes_of(file_), one);
}

TEST_F(PackTest, ManyChunksHoldSamplesThatReachFromOneIntoTheNext) {
  const EncodedPictures train(400, 9000);
  pack_train(train, {.threads = 2});
  expect_same(open_pack(file_), train);
  fs::remove(file_);
  const TinyDataset tiny(kManyPixels);
  pack_train(tiny);
  expect_same(open_pack(file_), tiny);
}

TEST_F(PackTest, ALimitTakesEvenlySpreadSamples) {
  const EncodedPictures train(10, 1);
  pack_train(train);
  const PackDataset some = open_pack(file_, "train", 3);
  ASSERT_EQ(some.size(), 3);
  EXPECT_EQ(some.origin(0), "train/0.jpg");
  EXPECT_EQ(some.origin(2), "train/6.jpg");
  EXPECT_EQ(all_samples(some)[2].id, 2);
  EXPECT_NE(some.fingerprint(), open_pack(file_).fingerprint());
}

TEST_F(PackTest, FingerprintFollowsTheContentAndNotTheFile) {
  pack_train(EncodedPictures(10, 1), {.threads = 1});
  const std::string before = open_pack(file_).fingerprint();
  fs::rename(file_, out_ / "b.h5");
  pack_train(EncodedPictures(10, 1), {.threads = 3});
  EXPECT_EQ(open_pack(file_).fingerprint(), before);
  fs::remove(file_);
  pack_train(EncodedPictures(10, 2));
  EXPECT_NE(open_pack(file_).fingerprint(), before);
}

TEST_F(PackTest, AKilledPackingGoesOnToTheSameFile) {
  const TinyDataset pixels(kManyPixels);
  const EncodedPictures files(400, 9000);
  for (const Dataset* train :
       {static_cast<const Dataset*>(&pixels), static_cast<const Dataset*>(&files)}) {
    const int64_t n = train->size();
    fs::remove(file_);
    pack_train(*train);
    const auto whole = bytes_of(file_);
    for (const std::vector<int64_t>& kills : std::vector<std::vector<int64_t>>{
             {1}, {n}, {n - 20, 5}, {n - 100, n - 30}, {n - 10, n - 60, n / 2}}) {
      fs::remove(file_);
      for (const int64_t last : kills) pack_and_kill(*train, last);
      const PackReport report = pack_train(*train, {.threads = 2});
      EXPECT_TRUE(bytes_of(file_) == whole) << "killed at " << kills[0];
      EXPECT_EQ(report.reused > n / 2, kills[0] > 1) << report.reused;
      expect_alone();
    }
  }
}

TEST_F(PackTest, SamplesDamagedInAnUnfinishedPackAreMadeAnew) {
  const TinyDataset train(kManyPixels);
  pack_train(train);
  const auto whole = bytes_of(file_);
  fs::remove(file_);
  pack_and_kill(train, 290);
  const fs::path partial = out_ / "a.h5.partial";
  std::fstream(partial / "pack.h5", std::ios::in | std::ios::out | std::ios::binary)
      .seekp(500000)
      .write("oops", 4);
  std::ofstream(partial / "journal", std::ios::app) << "sample 29";  // cut off
  const PackReport report = pack_train(train);
  EXPECT_TRUE(bytes_of(file_) == whole);
  EXPECT_EQ(report.reused, 13 * 21 - 1);  // 21 fit into a chunk, and one is damaged
}

TEST_F(PackTest, AnUnfinishedPackOfOtherDataIsNotContinued) {
  pack_and_kill(EncodedPictures(400, 9000), 390);
  EXPECT_TRUE(mentions(error_text([&] { pack_train(EncodedPictures(300, 9000)); }, ExitCode::kData),
                       {"a.h5.partial", "other pictures", "remove it"}));
  EXPECT_TRUE(mentions(
      error_text([&] { pack_train(EncodedPictures(400, 9000), {.size = 20}); }, ExitCode::kData),
      {"other pictures, settings"}));
  fs::remove_all(out_ / "a.h5.partial");
  pack_train(EncodedPictures(3, 1));
  EXPECT_EQ(open_pack(file_).size(), 3);
}

TEST_F(PackTest, OneProcessAtATimeWritesAPack) {
  fs::create_directory(out_ / "a.h5.partial");
  const int other = ::open((out_ / "a.h5.partial").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  EXPECT_TRUE(mentions(error_text([&] { pack_train(EncodedPictures(3, 1)); }),
                       {"a.h5", "another process"}));
  ::close(other);
  pack_train(EncodedPictures(3, 1));
}

TEST_F(PackTest, AFileThatIsThereIsNotReplaced) {
  std::ofstream(file_) << "precious";
  EXPECT_TRUE(mentions(error_text([&] { pack_train(EncodedPictures(3, 1)); }), {"a.h5", "exists"}));
  EXPECT_EQ(fs::file_size(file_), 8U);
  expect_alone();
}

TEST_F(PackTest, ABadPictureEndsThePackingWithItsPath) {
  for (const char* name : {"1.jpg", "2.jpg", "3.jpg"}) add(std::string("train/a/") + name);
  fs::resize_file(folder_ / "train/a/2.jpg", 1500);
  const ImageFolder train = pictures();
  for (const int64_t size : {0, 16}) {
    EXPECT_TRUE(mentions(error_text([&] { pack_train(train, {.size = size}); }, ExitCode::kData),
                         {"train/a/2.jpg", "--skip-bad"}));
    EXPECT_FALSE(fs::exists(file_));
    fs::remove_all(out_ / "a.h5.partial");
  }
}

TEST_F(PackTest, BadPicturesAreLeftOutWhenAskedAndListed) {
  for (const char* name : {"1.jpg", "2.jpg", "3.jpg", "4.jpg"}) add(std::string("train/a/") + name);
  fs::resize_file(folder_ / "train/a/2.jpg", 1500);
  std::ofstream(folder_ / "train/a/4.jpg", std::ios::trunc) << "no picture";
  const ImageFolder train = pictures();
  for (const int64_t size : {0, 16}) {
    const PackReport report = pack_train(train, {.size = size, .skip_bad = true, .threads = 2});
    EXPECT_EQ(report.splits[0].samples, 2);
    ASSERT_EQ(report.bad.size(), 2U);
    EXPECT_TRUE(mentions(report.bad[0], {"train/a/2.jpg", "damaged"}));
    EXPECT_TRUE(mentions(report.bad[1], {"train/a/4.jpg"}));
    const PackDataset packed = open_pack(file_);
    EXPECT_EQ(packed.origin(1), "train/a/3.jpg");
    fs::remove(file_);
  }
  for (const char* name : {"1.jpg", "3.jpg"}) fs::resize_file(folder_ / "train/a" / name, 1500);
  const ImageFolder none = pictures();
  EXPECT_TRUE(mentions(error_text([&] { pack_train(none, {.skip_bad = true}); }, ExitCode::kData),
                       {"none"}));
}

TEST_F(PackTest, SplitsWithOtherClassesDoNotGoTogether) {
  const EncodedPictures train(3, 1);
  const TinyDataset test({.train = 3});
  EXPECT_TRUE(mentions(error_text(
                           [&] {
                             pack({{"train", &train}, {"test", &test}}, {.output = file_});
                           },
                           ExitCode::kData),
                       {"tiny", "other classes"}));
}

TEST_F(PackTest, AFileThatCannotGrowIsAnErrorAndGoesOnLater) {
  const TinyDataset train(kManyPixels);
  pack_train(train);
  const auto whole = bytes_of(file_);
  // Where samples are written, and where only the end is missing.
  for (const size_t limit : {size_t{2} << 20, whole.size() - 1000}) {
    fs::remove(file_);
    EXPECT_TRUE(dtrain::testing::with_file_size_limit(limit, [&] {
      const std::string text = error_text([&] { pack_train(train); });
      return text.find("File too large") != std::string::npos && !fs::exists(file_);
    }));
    const PackReport report = pack_train(train);
    EXPECT_GT(report.reused, 100);
    EXPECT_TRUE(bytes_of(file_) == whole);
  }
}

TEST_F(PackTest, ThreadsReadAtOnceAndInAnyOrder) {
  const EncodedPictures train(400, 3000);
  pack_train(train);
  const PackDataset packed = open_pack(file_);
  const auto expected = all_samples(train);
  std::atomic<int64_t> wrong{0};
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Sample sample;
      for (int64_t i = 0; i < 2000; ++i) {
        const int64_t index = (i * 7919 + t * 101) % 400;
        packed.read(index, sample);
        wrong += sample.encoded != expected[size_t(index)].encoded;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(PackTest, TheTableOfDataSetsOpensPacksAndKnowsTheirSplits) {
  for (const char* name : {"train/a/1.jpg", "train/b/2.jpg", "test/b/3.jpg"}) add(name);
  DatasetConfig config;
  config.dataset = "image_folder";
  config.data_dir = folder_.path();
  const auto splits = open_all_splits(config);
  ASSERT_EQ(splits.size(), 2U);
  EXPECT_EQ(splits[1].name, "test");
  pack({{splits[0].name, splits[0].dataset.get()}, {splits[1].name, splits[1].dataset.get()}},
       {.output = file_});
  config.dataset = "pack";
  config.data_dir = file_;
  config.eval_split = "test";
  const auto train = open_dataset(config, Split::kTrain);
  EXPECT_EQ(train->name(), "pack/train");
  EXPECT_EQ(train->size(), 2);
  EXPECT_EQ(open_dataset(config, Split::kEval)->size(), 1);
  EXPECT_EQ(open_all_splits(config).size(), 2U);
  config.eval_split = "validation";
  EXPECT_TRUE(mentions(error_text([&] { open_dataset(config, Split::kEval); }, ExitCode::kData),
                       {"no such split", "train, test"}));
}

// A pack of files is trained on like the folder: same pictures, same random parts.
TEST_F(PackTest, TheLoaderGivesTheSameBatchesAsFromTheFolder) {
  for (int i = 0; i < 12; ++i) {
    add("train/" + std::to_string(i % 3) + "/" + std::to_string(i) + ".jpg",
        i % 2 == 0 ? "jpeg_orientation_6.jpg" : "jpeg_progressive.jpg");
  }
  const ImageFolder folder = pictures();
  pack_train(folder);
  const PackDataset packed = open_pack(file_);
  FramingParameters framing;
  framing.shape = {20, 20, 3};
  framing.part = FramingParameters::Part::kRandomArea;
  const View view{.name = "train", .framing = framing, .steps = {}, .shape = framing.shape};
  std::vector<std::vector<uint8_t>> seen;
  for (const Dataset* dataset :
       {static_cast<const Dataset*>(&folder), static_cast<const Dataset*>(&packed)}) {
    DataLoader loader(
        *dataset, Sampler::training(12, 4, true, 3, {0, 1}), {view}, {.workers = 2, .seed = 3});
    std::vector<uint8_t> all;
    loader.start_epoch(0);
    while (const HostBatch* batch = loader.next()) {
      all.insert(all.end(), batch->images, batch->images + batch->bytes());
    }
    seen.push_back(std::move(all));
  }
  EXPECT_EQ(seen[0].size(), 12U * 20 * 20 * 3);
  EXPECT_EQ(seen[1], seen[0]);
}

}  // namespace
}  // namespace dtrain::data
