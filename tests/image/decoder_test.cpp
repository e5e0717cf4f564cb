// Pixels against Pillow's, parts against the whole, and files that are not whole.
#include "image/decoder.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "util/check.h"

namespace dtrain::image {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::bytes_of;
using dtrain::testing::difference;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;
using dtrain::testing::read_ppm;

std::vector<fs::path> pictures() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(kPictures)) {
    const auto ending = entry.path().extension();
    if (ending == ".jpg" || ending == ".png") found.push_back(entry.path());
  }
  return found;
}

Image cut(const Image& from, const Rectangle& part) {
  Image to;
  to.resize({part.height, part.width, from.shape.channels});
  for (int64_t y = 0; y < part.height; ++y) {
    const uint8_t* row = from.row(part.top + y) + part.left * from.shape.channels;
    std::copy(row, row + part.width * from.shape.channels, to.row(y));
  }
  return to;
}

TEST(Decode, EveryKindOfPictureIsWithinTwoLevelsOfPillow) {
  ASSERT_EQ(pictures().size(), 22U);
  for (const fs::path& path : pictures()) {
    Image image;
    decode_all(bytes_of(path), 3, image);
    const auto found = difference(image, read_ppm(fs::path(path).replace_extension(".ppm")));
    EXPECT_LE(found.largest, 2) << path;
  }
}

TEST(Decode, GreyIsTheWeightedSumOfTheColours) {
  for (const char* name : {"jpeg_444.jpg", "photo.png", "png_palette.png", "jpeg_cmyk.jpg"}) {
    Image grey, colour;
    decode_all(bytes_of(kPictures / name), 1, grey);
    decode_all(bytes_of(kPictures / name), 3, colour);
    ASSERT_EQ(grey.shape, (ImageShape{70, 90, 1}));
    for (size_t i = 0; i < grey.pixels.size(); ++i) {
      const uint8_t* c = &colour.pixels[3 * i];
      EXPECT_NEAR(grey.pixels[i], 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2], 2.5) << name;
    }
  }
}

TEST(Decode, APartHasThePixelsOfTheWhole) {
  for (const char* name :
       {"jpeg_444.jpg", "jpeg_420.jpg", "jpeg_progressive.jpg", "jpeg_cmyk.jpg"}) {
    const auto bytes = bytes_of(kPictures / name);
    const Header header = read_header(bytes);
    for (const int64_t reduction : {1, 2, 4, 8}) {
      Decoded whole, part;
      decode_jpeg(bytes, {0, 0, 90, 70}, reduction, 3, whole);
      for (const Rectangle& wanted :
           {Rectangle{40, 33, 20, 9}, {0, 0, 8, 8}, {82, 62, 8, 8}, {0, 0, 90, 70}}) {
        decode_jpeg(bytes, wanted, reduction, 3, part);
        const Rectangle seen{wanted.left / reduction,
                             wanted.top / reduction,
                             std::max<int64_t>(1, wanted.width / reduction),
                             std::max<int64_t>(1, wanted.height / reduction)};
        const Rectangle inside{seen.left - part.left, seen.top - part.top, seen.width, seen.height};
        ASSERT_GE(inside.left, 0);
        ASSERT_LE(inside.top + inside.height, part.pixels.shape.height);
        EXPECT_LE(difference(cut(part.pixels, inside), cut(whole.pixels, seen)).largest, 2)
            << name << " 1/" << reduction;
      }
    }
    EXPECT_EQ(header.channels, std::string(name) == "jpeg_cmyk.jpg" ? 4 : 3);
  }
}

TEST(Decode, IsReducedToTheSmallestSizeThatSuffices) {
  const auto bytes = bytes_of(kPictures / "jpeg_444.jpg");
  const Header header = read_header(bytes);
  for (const auto& [side, reduction] :
       {std::pair{64, 1}, {33, 1}, {32, 2}, {16, 4}, {9, 4}, {8, 8}, {1, 8}}) {
    Decoded decoded;
    decode(bytes, header, {0, 0, 64, 64}, side, side, 3, false, decoded);
    EXPECT_EQ(decoded.reduction, reduction) << side;
    decode(bytes, header, {0, 0, 64, 64}, side, side, 3, true, decoded);
    EXPECT_EQ(decoded.reduction, 1);
    EXPECT_EQ(decoded.pixels.shape, (ImageShape{70, 90, 3}));
  }
}

TEST(Decode, ACutFileIsAnErrorAndNotGrey) {
  for (const fs::path& path : pictures()) {
    const auto whole = bytes_of(path);
    for (const double share : {0.3, 0.6, 0.9}) {
      const std::vector<uint8_t> bytes(
          whole.begin(), whole.begin() + std::ptrdiff_t(double(whole.size()) * share));
      Image image;
      try {
        decode_all(bytes, 3, image);
        ADD_FAILURE() << path << " cut to " << share << " was decoded";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kData);
        EXPECT_TRUE(mentions(error.what(), {"image"})) << error.what();
      }
    }
  }
}

TEST(Decode, DamageNeverDoesMoreThanThrow) {
  uint32_t state = 1;
  const auto random = [&] { return state = state * 1664525 + 1013904223; };
  for (const fs::path& path : pictures()) {
    const auto whole = bytes_of(path);
    for (int round = 0; round < 40; ++round) {
      auto bytes = whole;
      for (int i = 0; i < 4; ++i) bytes[(random() >> 8) % bytes.size()] = uint8_t(random() >> 24);
      Image image;
      try {
        decode_all(bytes, 3, image);
        EXPECT_LE(image.pixels.size(), 3U * 100'000'000);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kData);
      }
    }
  }
}

}  // namespace
}  // namespace dtrain::image
