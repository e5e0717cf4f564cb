// A data set that is read through while something else goes on.
#include "data/loader/background_check.h"

#include <gtest/gtest.h>

#include <atomic>

#include "data/transforms/factory.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

using dtrain::testing::mentions;

// Images from a file, some of which are cut short; counts what was read.
class CountedPictures : public Dataset {
 public:
  explicit CountedPictures(int64_t size, std::vector<int64_t> bad = {})
      : size_(size), bad_(std::move(bad)) {}
  const std::string& name() const override { return name_; }
  int64_t size() const override { return size_; }
  void read(int64_t index, Sample& sample) const override {
    ++read_;
    if (holds_) holds_->wait(true);
    sample.encoded = bytes_;
    if (std::find(bad_.begin(), bad_.end(), index) != bad_.end()) sample.encoded.resize(300);
    sample.target = 0;
    sample.id = index;
  }
  int64_t target(int64_t) const override { return 0; }
  ImageShape shape() const override { return {0, 0, 3}; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string fingerprint() const override { return ""; }

  int64_t times_read() const { return read_; }
  void hold(std::atomic<bool>* until_false) { holds_ = until_false; }

 private:
  std::string name_ = "pictures/validation";
  std::vector<std::string> class_names_ = {"one"};
  std::vector<uint8_t> bytes_ =
      dtrain::testing::bytes_of(dtrain::testing::kPictures / "jpeg_420.jpg");
  int64_t size_;
  std::vector<int64_t> bad_;
  std::atomic<bool>* holds_ = nullptr;
  mutable std::atomic<int64_t> read_ = 0;
};

View view() {
  TransformConfig config;
  config.size = 16;
  return make_eval_view(config, {0, 0, 3});
}

BackgroundCheck::Found result_of(const BackgroundCheck& check) {
  BackgroundCheck::Found found = check.found();
  while (!found.is_over) {
    std::this_thread::yield();
    found = check.found();
  }
  return found;
}

TEST(BackgroundCheck, FindsAndCountsWhatIsBadAndNamesTheFirst) {
  const CountedPictures pictures(20, {3, 7, 19});
  const BackgroundCheck check(pictures, view(), {});
  const BackgroundCheck::Found found = result_of(check);
  EXPECT_EQ(found.checked, 20);
  EXPECT_EQ(found.bad, 3);
  ASSERT_TRUE(found.first);
  EXPECT_EQ(found.first->code(), ExitCode::kData);
  EXPECT_TRUE(mentions(found.first->what(), {"sample 3", "pictures/validation"}));
}

TEST(BackgroundCheck, ReadsItsShareOnceWithoutAnythingToFind) {
  const CountedPictures pictures(20, {3});
  const BackgroundCheck first(pictures, view(), {.rank = 0, .world_size = 3});
  EXPECT_EQ(result_of(first).checked, 7);
  EXPECT_EQ(result_of(first).bad, 1) << "sample 3 is of rank 0";
  const BackgroundCheck second(pictures, view(), {.rank = 1, .world_size = 3});
  EXPECT_FALSE(result_of(second).first);
  EXPECT_EQ(pictures.times_read(), 14);
}

TEST(BackgroundCheck, EndsWithinASample) {
  CountedPictures pictures(1'000'000);
  std::atomic<bool> holds = true;
  pictures.hold(&holds);
  {
    const BackgroundCheck check(pictures, view(), {});
    while (pictures.times_read() == 0) std::this_thread::yield();
    std::thread release([&] {
      holds = false;
      holds.notify_all();
    });
    release.join();
  }
  EXPECT_LT(pictures.times_read(), 1'000'000);
}

}  // namespace
}  // namespace dtrain::data
