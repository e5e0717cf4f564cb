#include "image/format.h"

#include <algorithm>
#include <string>
#include <vector>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::image {
namespace {

struct FormatRow {
  Format format;
  const char* name;
  std::vector<std::string> endings;
};

const std::vector<FormatRow>& format_rows() {
  static const std::vector<FormatRow> rows = {
      {Format::kJpeg, "JPEG", {".jpg", ".jpeg", ".jpe", ".jfif"}},
      {Format::kPng, "PNG", {".png"}},
      {Format::kWebp, "WebP", {".webp"}},
      {Format::kBmp, "BMP", {".bmp", ".dib"}},
      {Format::kTiff, "TIFF", {".tif", ".tiff"}},
      {Format::kPnm, "PNM", {".pbm", ".pgm", ".ppm", ".pnm"}},
      {Format::kJpeg2000, "JPEG 2000", {".jp2", ".j2k", ".j2c", ".jpc"}},
      {Format::kGif, "GIF", {".gif"}},
  };
  return rows;
}

const FormatRow& row_of(Format format) {
  const FormatRow& row = format_rows()[static_cast<size_t>(format)];
  check(row.format == format, "the table of formats is in the order of its enumeration");
  return row;
}

bool has_ending(const FormatRow& row, const std::filesystem::path& path) {
  const std::string ending = util::lower_case(path.extension().string());
  return std::find(row.endings.begin(), row.endings.end(), ending) != row.endings.end();
}

}  // namespace

const char* name_of(Format format) { return row_of(format).name; }

bool has_image_ending(const std::filesystem::path& path) {
  const auto& rows = format_rows();
  return std::any_of(rows.begin(), rows.end(), [&](auto& row) { return has_ending(row, path); });
}

bool has_ending_of(const std::filesystem::path& path, Format format) {
  return has_ending(row_of(format), path);
}

}  // namespace dtrain::image
