// WebP, BMP, TIFF, PNM, JPEG 2000 and GIF against Pillow, and what is wrong with such files. A
// program of its own, because it measures its memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "image/bad_picture.h"
#include "image/decoder.h"
#include "image/images_module.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "util/log.h"
#include "util/random.h"

namespace dtrain::image {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::bytes_of;
using dtrain::testing::difference;
using dtrain::testing::error_text;
using dtrain::testing::mentions;
using FileBytes = std::vector<uint8_t>;

const fs::path kFormats = fs::path(DTRAIN_SOURCE_DIR) / "tests/golden/formats";

std::vector<fs::path> files_of_formats() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(kFormats)) {
    if (entry.path().extension() != ".png") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string refusal_of(const FileBytes& bytes) {
  Image image;
  try {
    decode_all(bytes, 3, image);
  } catch (const BadPicture& bad) {
    EXPECT_FALSE(bad.cause().empty());
    return bad.cause();
  }
  return "";
}

TEST(Formats, AreWithinTwoLevelsOfPillow) {
  ASSERT_EQ(files_of_formats().size(), 39U);
  for (const fs::path& path : files_of_formats()) {
    Image image, expected;
    try {
      decode_all(bytes_of(path), 3, image);
    } catch (const std::exception& error) {
      ADD_FAILURE() << path << ": " << error.what();
      continue;
    }
    decode_all(bytes_of(fs::path(path).replace_extension(".png")), 3, expected);
    EXPECT_LE(difference(image, expected).largest, 2) << path;
    EXPECT_TRUE(has_image_ending(path)) << path;
    EXPECT_TRUE(has_ending_of(path, read_header(bytes_of(path)).format)) << path;
  }
}

TEST(Formats, HeadersTellPagesOrientationAndWhatMemoryIsNeeded) {
  const auto header = [](const char* name) { return read_header(bytes_of(kFormats / name)); };
  for (const char* name : {"tiff_pages.tif", "webp_animated.webp", "gif_animated.gif"}) {
    EXPECT_EQ(header(name).pages, 2) << name;
  }
  for (const char* name : {"tiff_rgb.tif", "webp_lossy.webp", "gif.gif"}) {
    EXPECT_EQ(header(name).pages, 1) << name;
  }
  EXPECT_EQ(header("webp_turned.webp").orientation, 6);
  EXPECT_EQ(header("tiff_orientation_7.tif").orientation, 7);
  EXPECT_TRUE(header("tiff_cmyk.tif").cmyk);
  EXPECT_EQ(header("tiff_16_bit.tif").bits, 16);
  EXPECT_EQ(memory_to_decode(header("bmp_24.bmp")), 22 * 29 * 3);
  EXPECT_EQ(memory_to_decode(header("webp_lossy.webp")), 22 * 29 * 7);
}

TEST(Formats, GreyIsTheWeightedSumOfTheColours) {
  for (const char* name : {"webp_lossy.webp", "tiff_cmyk.tif", "gif.gif", "jpeg2000.jp2"}) {
    Image grey, colour;
    decode_all(bytes_of(kFormats / name), 1, grey);
    decode_all(bytes_of(kFormats / name), 3, colour);
    ASSERT_EQ(grey.shape, (ImageShape{22, 29, 1}));
    for (size_t i = 0; i < grey.pixels.size(); ++i) {
      const uint8_t* c = &colour.pixels[3 * i];
      ASSERT_NEAR(grey.pixels[i], 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2], 1) << name;
    }
  }
}

TEST(Formats, ThatOfSeveralPagesTheFirstIsReadIsSaidOnce) {
  const dtrain::testing::TempFolder folder;
  util::log().add_file(folder / "log.txt");
  Image image;
  for (const char* name : {"tiff_pages.tif", "webp_animated.webp", "gif_animated.gif"}) {
    decode_all(bytes_of(kFormats / name), 3, image);
  }
  util::log().remove_files();
  const FileBytes text = bytes_of(folder / "log.txt");
  const std::string lines(text.begin(), text.end());
  // Another case may have been first.
  const size_t at = lines.find("several pages");
  EXPECT_EQ(lines.find("several pages", at == std::string::npos ? at : at + 1), std::string::npos);
}

TEST(Formats, WithoutTheModuleThePackageIsNamed) {
  const auto text =
      error_text([] { load_images_module({"/nowhere/dtrain_images.so"}); }, ExitCode::kMissing);
  EXPECT_TRUE(mentions(text, {"WebP", "/nowhere", "apt-get install libopencv-imgcodecs-dev"}));
  const dtrain::testing::TempFolder folder;
  std::ofstream(folder / "dtrain_images.so") << "no library";
  EXPECT_TRUE(mentions(
      error_text([&] { load_images_module({folder / "dtrain_images.so"}); }, ExitCode::kMissing),
      {"cannot be loaded", "apt-get install"}));
}

TEST(Formats, WhatIsCutIsRefused) {
  for (const fs::path& path : files_of_formats()) {
    const FileBytes whole = bytes_of(path);
    for (const double share : {0.1, 0.3, 0.6, 0.9}) {
      // Directories of TIFF stand anywhere; of a GIF or TIFF of two pages the second half is not
      // read.
      const std::string name = path.filename().string();
      if (share > 0.3 && (name.find("animated") != name.npos || name.find("pages") != name.npos)) {
        continue;
      }
      const FileBytes bytes(whole.begin(),
                            whole.begin() + std::ptrdiff_t(double(whole.size()) * share));
      EXPECT_NE(refusal_of(bytes), "") << path << " cut to " << share << " was decoded";
    }
  }
}

// --- 200 hostile files

int64_t peak_memory() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

// The bytes of the size, as far as the format keeps them at a fixed place; TIFF's directory is
// searched.
void claim_size(FileBytes& bytes, const std::string& ending, util::CounterRng& rng) {
  const auto high = [&] { return uint8_t(1 + rng.below(255)); };
  if (ending == ".bmp") bytes[20] = bytes[24] = high();
  if (ending == ".gif") bytes[7] = bytes[9] = high();
  if (ending == ".webp") bytes[25] = bytes[27] = bytes[29] = high();
  if (ending == ".jp2") bytes[48] = bytes[52] = high();
  if (ending == ".ppm" || ending == ".pgm") bytes.insert(bytes.begin() + 3, {'9', '9', '9', '9'});
  for (size_t at = 8; ending == ".tif" && at + 12 <= bytes.size(); ++at) {
    if (bytes[at + 1] == 1 && (bytes[at] == 0 || bytes[at] == 1) && bytes[at + 2] <= 4) {
      bytes[at + 9] = high();
    }
  }
}

TEST(Formats, TwoHundredHostileFilesAreRefusedByCauseOrRead) {
  const std::vector<fs::path> files = files_of_formats();
  Image image;
  decode_all(bytes_of(files[0]), 3, image);  // the module is loaded
  const int64_t before = peak_memory();
  int64_t refused = 0;
  for (int64_t i = 0; i < 200; ++i) {
    util::CounterRng rng(5, util::RandomStream::kTest, 0, i);
    const fs::path& path = files[size_t(i) % files.size()];
    FileBytes bytes = bytes_of(path);
    switch (i / int64_t(files.size())) {
      case 0:
        bytes.resize(size_t(1 + rng.below(int64_t(bytes.size()) - 1)));
        break;
      case 1:
        claim_size(bytes, path.extension(), rng);
        break;
      default: {
        const int64_t range =
            i % 2 == 0 ? std::min<int64_t>(200, int64_t(bytes.size())) : int64_t(bytes.size());
        for (int64_t flips = 1 + rng.below(8); flips > 0; --flips) {
          bytes[size_t(rng.below(range))] ^= uint8_t(1 << rng.below(8));
        }
      }
    }
    if (refusal_of(bytes) != "") ++refused;
  }
  EXPECT_GT(refused, 90);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(peak_memory() - before, int64_t{256} << 20);
#endif
}

}  // namespace
}  // namespace dtrain::image
