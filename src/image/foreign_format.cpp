#include "image/foreign_format.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace dtrain::image {
namespace {

// What stands at a place of the file.
struct Signature {
  size_t at;
  std::string_view bytes;
  const char* name;
};

// Brands of ISO's base media format (ISO/IEC 14496-12) stand behind "ftyp".
constexpr std::array kSignatures = {
    Signature{4, "ftypavif", "an AVIF image"},
    Signature{4, "ftypavis", "an AVIF image sequence"},
    Signature{4, "ftypheic", "a HEIC image"},
    Signature{4, "ftypheix", "a HEIC image"},
    Signature{4, "ftypmif1", "a HEIF image"},
    Signature{4, "ftypmsf1", "a HEIF image sequence"},
    Signature{4, "ftypcrx ", "a raw image of a Canon camera"},
    Signature{4, "ftyp", "a video"},
    Signature{0, {"II+\0", 4}, "a BigTIFF file"},
    Signature{0, {"MM\0+", 4}, "a BigTIFF file"},
    Signature{8, {"CR\2\0", 4}, "a raw image of a Canon camera"},
    Signature{0, "FUJIFILMCCD-RAW", "a raw image of a Fujifilm camera"},
    Signature{0, {"\xFF\x0A", 2}, "a JPEG XL image"},
    Signature{0, {"\0\0\0\x0CJXL ", 8}, "a JPEG XL image"},
    Signature{0, "8BPS", "a Photoshop file"},
    Signature{0, {"\0\0\1\0", 4}, "an icon"},
    Signature{0, {"v/1\1", 4}, "an OpenEXR image"},
    Signature{0, "#?RADIANCE", "a Radiance image"},
    Signature{0, "DDS ", "a DirectDraw surface"},
    Signature{0, "%PDF-", "a PDF file"},
    Signature{0, "<svg", "an SVG drawing"},
    Signature{8, "WAVE", "a sound"},
    Signature{8, "AVI ", "a video"},
    Signature{0, "PK\3\4", "a ZIP archive"},
    Signature{0, "<!DOCTYPE html", "a web page"},
    Signature{0, "<html", "a web page"},
};

// <?xml ...> in front of a drawing.
bool is_xml_drawing(Bytes bytes) {
  constexpr size_t kLongestProlog = 1000;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kLongestProlog));
  return text.starts_with("<?xml") && text.find("<svg") != std::string_view::npos;
}

}  // namespace

std::string foreign_format(Bytes bytes) {
  for (const Signature& signature : kSignatures) {
    if (has_text(bytes, signature.at, signature.bytes)) return signature.name;
  }
  return is_xml_drawing(bytes) ? "an SVG drawing" : "";
}

}  // namespace dtrain::image
