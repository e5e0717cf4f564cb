// Picture files that are damaged, or made to harm: the same ones on every machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dtrain::testing {

struct BadPicture {
  std::string name;  // "<kind>_<number>.jpg" or .png
  std::vector<uint8_t> bytes;
  // Some damage leaves a file that is a picture still, such as a flipped bit of a colour.
  bool may_decode = false;
};

// `count` files of about 30 kinds, made from the whole pictures in tests/golden/images: cut short,
// bits flipped, sizes claimed, lengths and checksums wrong, bombs (pixels, texts, scans), kinds
// that are not decoded, EXIF that leads in circles, and what is no picture at all.
std::vector<BadPicture> make_bad_pictures(int64_t count);

// A pipe, a folder, a device, links that lead out, nowhere and in circles, all named like pictures.
// Returns their names.
std::vector<std::string> make_special_files(const std::filesystem::path& folder);

}  // namespace dtrain::testing
