// Pictures as PNG files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dtrain::render {

struct Image {
  int64_t width = 0, height = 0;
  int64_t channels = 3;         // 1: grey, 3: red, green, blue
  std::vector<uint8_t> pixels;  // row by row from the top, channels together
};

// A PNG file in memory.
std::string png_bytes(const Image& image);

// Written whole or not at all; Error(kIo) as util::AtomicFile has it.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace dtrain::render
