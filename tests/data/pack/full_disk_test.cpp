// A disk that becomes full while a pack is written. Mounting one takes root:
//   sudo ctest --test-dir build/release -L privileged --output-on-failure
#include <gtest/gtest.h>

#include "tests/data/pack/pack_samples.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_disk.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::DiskTest;
using dtrain::testing::EncodedPictures;
using dtrain::testing::error_text;

TEST(FullDisk, APackThatDoesNotFitIsNotThereAndGoesOnWhenThereIsSpace) {
  dtrain::testing::TempFolder folder;
  const DiskTest outcome = dtrain::testing::on_tiny_disk(folder.path(), 12 << 20, [&] {
    const fs::path file = folder / "a.h5", ballast = folder / "ballast";
    std::ofstream(ballast) << std::string(9 << 20, 'x');
    const EncodedPictures train(400, 9000);
    const auto pack_it = [&] { return pack({{"train", &train}}, {.output = file}); };
    const std::string text = error_text([&] { pack_it(); });
    const bool said = bool(dtrain::testing::mentions(
        text, {"a.h5.partial", "No space left on device; free some space"}));
    if (!said || fs::exists(file)) return false;
    fs::remove(ballast);
    const bool reused = pack_it().reused > 100;
    return reused && dtrain::testing::open_pack(file).size() == 400 &&
           dtrain::testing::names_in(folder.path()) == std::vector<std::string>{"a.h5"};
  });
  if (outcome == DiskTest::kNotPermitted) {
    GTEST_SKIP() << "mounting needs root with CAP_SYS_ADMIN (docker run --privileged)";
  }
  EXPECT_EQ(outcome, DiskTest::kPassed);
}

}  // namespace
}  // namespace dtrain::data
