// Sizes and orientations as files claim them, and claims that are not believed.
#include "image/header.h"

#include <gtest/gtest.h>

#include "image/bad_picture.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "util/check.h"

namespace dtrain::image {
namespace {

using dtrain::testing::bytes_of;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;

std::string refusal(const std::vector<uint8_t>& bytes) {
  try {
    read_header(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    return error.what();
  }
  return "none";
}

TEST(Header, FilesOfOtherKindsAreRefusedByName) {
  const auto text = [](std::string_view bytes) {
    std::vector<uint8_t> file(bytes.begin(), bytes.end());
    file.resize(64);
    return file;
  };
  using namespace std::string_view_literals;
  for (const auto& [bytes, name] : {std::pair{"\0\0\0\x20"
                                              "ftypavif"sv,
                                              "an AVIF image"},
                                    {"\0\0\0\x18"
                                     "ftypheic"sv,
                                     "a HEIC image"},
                                    {"\0\0\0\x18"
                                     "ftypisom"sv,
                                     "a video"},
                                    {"II+\0"sv, "a BigTIFF file"},
                                    {"II*\0\x10\0\0\0"
                                     "CR\2\0"sv,
                                     "a raw image of a Canon camera"},
                                    {"\xFF\x0A"sv, "a JPEG XL image"},
                                    {"8BPS"sv, "a Photoshop file"},
                                    {"<?xml version=\"1.0\"?>\n<svg "sv, "an SVG drawing"},
                                    {"%PDF-1.7"sv, "a PDF file"},
                                    {"RIFF\0\0\0\0AVI "sv, "a video"}}) {
    EXPECT_TRUE(mentions(refusal(text(bytes)), {name, "convert it to JPEG or PNG"})) << name;
  }
  EXPECT_TRUE(mentions(refusal(text("nothing")), {"no image of a known format"}));
}

TEST(Header, KnowsSizeKindAndOrientation) {
  const Header jpeg = read_header(bytes_of(kPictures / "jpeg_progressive.jpg"));
  EXPECT_EQ(jpeg.format, Format::kJpeg);
  EXPECT_EQ(jpeg.width, 90);
  EXPECT_EQ(jpeg.height, 70);
  EXPECT_TRUE(jpeg.progressive);
  const Header png = read_header(bytes_of(kPictures / "png_16_bit.png"));
  EXPECT_EQ(png.format, Format::kPng);
  EXPECT_EQ(png.bits, 16);
  for (int64_t orientation = 1; orientation <= 8; ++orientation) {
    const Header turned = read_header(
        bytes_of(kPictures / ("jpeg_orientation_" + std::to_string(orientation) + ".jpg")));
    EXPECT_EQ(turned.orientation, orientation);
    EXPECT_EQ(turned.shown_width(), orientation < 5 ? 90 : 70);
  }
}

TEST(Header, TellsWhatADecoderHoldsAtOnce) {
  const auto memory = [](const char* name) {
    return memory_to_decode(read_header(bytes_of(kPictures / name)));
  };
  EXPECT_EQ(memory("jpeg_444.jpg"), 0);
  EXPECT_EQ(memory("jpeg_progressive.jpg"), 90 * 70 * 3 * 2);
  EXPECT_EQ(memory("png_16_bit.png"), 90 * 70 * 3);
  const Header jpeg = read_header(bytes_of(kPictures / "jpeg_progressive.jpg"));
  EXPECT_EQ(memory_to_decode(jpeg, /*all=*/true), 90 * 70 * 3 * 3);
  expect_room_for_all(jpeg);
  EXPECT_THROW(expect_room_for_all(jpeg, {.max_memory = 90 * 70 * 3 - 1}), BadPicture);
}

TEST(Header, EveryBeginningOfAFileIsRefusedOrUnderstood) {
  for (const char* name : {"jpeg_orientation_6.jpg", "photo.png"}) {
    const auto whole = bytes_of(kPictures / name);
    for (size_t size = 0; size < std::min<size_t>(whole.size(), 1000); ++size) {
      const std::vector<uint8_t> bytes(whole.begin(), whole.begin() + std::ptrdiff_t(size));
      const std::string text = refusal(bytes);
      if (size < 20) {
        EXPECT_NE(text, "none") << size;
      }
    }
  }
}

TEST(Header, ClaimsThatTheFileCannotHoldAreRefused) {
  auto jpeg = bytes_of(kPictures / "jpeg_444.jpg");
  for (size_t i = 0; i + 8 < jpeg.size(); ++i) {
    if (jpeg[i] != 0xFF || jpeg[i + 1] != 0xC0) continue;
    jpeg[i + 5] = jpeg[i + 6] = jpeg[i + 7] = jpeg[i + 8] = 0x7F;
    break;
  }
  EXPECT_TRUE(mentions(refusal(jpeg), {"32639 x 32639"}));
  auto png = bytes_of(kPictures / "photo.png");
  png[18] = 0x10;  // 4186 pixels wide
  png[22] = 0x10;
  EXPECT_TRUE(mentions(refusal(png), {"cannot hold"})) << refusal(png);
}

TEST(Header, WhatIsNoPictureIsRefused) {
  EXPECT_TRUE(mentions(refusal({}), {"empty"}));
  EXPECT_TRUE(
      mentions(refusal({'a', ' ', 't', 'e', 'x', 't', 0, 0, 0}), {"no image of a known format"}));
  EXPECT_TRUE(mentions(refusal({0xFF, 0xD8, 0xFF, 0xD9}), {"no frame"}));
}

}  // namespace
}  // namespace dtrain::image
