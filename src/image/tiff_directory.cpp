#include "image/tiff_directory.h"

#include <algorithm>

namespace dtrain::image {

TiffDirectory::TiffDirectory(Bytes bytes) : bytes_(bytes) {
  if (bytes.size() < 8) return;
  little_ = std::memcmp(bytes.data(), "II*\0", 4) == 0;
  if (!little_ && std::memcmp(bytes.data(), "MM\0*", 4) != 0) return;
  const size_t directory = word(4);
  if (directory > bytes.size() || bytes.size() - directory < 2) return;
  const size_t claimed = half(directory), room = (bytes.size() - directory - 2) / 12;
  first_ = directory + 2;
  entries_ = std::min(claimed, room);
  const size_t end = first_ + 12 * entries_;
  is_whole_ = claimed <= room;
  has_next_ = claimed <= room && bytes.size() - end >= 4 && word(end) != 0;
}

std::optional<TiffDirectory::Place> TiffDirectory::find(Tag tag) const {
  for (size_t i = 0; i < entries_; ++i) {
    const size_t entry = first_ + 12 * i;
    if (half(entry) != tag) continue;
    const uint32_t type = half(entry + 2), count = word(entry + 4);
    const size_t size = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;
    if (size == 0 || count == 0) return {};
    if (count <= 4 / size) return Place{entry + 8, size, count};
    const size_t at = word(entry + 8);
    if (at > bytes_.size() || bytes_.size() - at < size) return {};
    return Place{at, size, std::min<size_t>(count, (bytes_.size() - at) / size)};
  }
  return {};
}

bool TiffDirectory::has(Tag tag) const {
  for (size_t i = 0; i < entries_; ++i) {
    if (half(first_ + 12 * i) == tag) return true;
  }
  return false;
}

std::optional<uint32_t> TiffDirectory::value(Tag tag) const {
  const auto place = find(tag);
  if (!place) return {};
  return number(*place, 0);
}

uint32_t TiffDirectory::number(const Place& place, size_t index) const {
  const size_t at = place.at + place.size * index;
  if (place.size == 1) return bytes_[at];
  return place.size == 2 ? half(at) : word(at);
}

std::optional<uint64_t> TiffDirectory::end_of(Tag offsets, Tag sizes) const {
  const auto starts = find(offsets), lengths = find(sizes);
  if (!starts || !lengths) return {};
  uint64_t end = 0;
  for (size_t i = 0; i < std::min(starts->count, lengths->count); ++i) {
    end = std::max(end, uint64_t{number(*starts, i)} + number(*lengths, i));
  }
  return end;
}

std::optional<uint64_t> TiffDirectory::end_of_pixels() const {
  const auto strips = end_of(kStripOffsets, kStripBytes);
  return strips ? strips : end_of(kTileOffsets, kTileBytes);
}

int64_t TiffDirectory::orientation() const {
  const uint32_t number = value(kOrientation).value_or(1);
  return number >= 1 && number <= 8 ? number : 1;
}

void TiffDirectory::patch(Tag tag, uint32_t number, std::span<uint8_t> copy) const {
  const auto place = find(tag);
  // Not where the file says that the numbers stand: it could be at the directory itself.
  if (!place || place->at < first_ || place->at + place->size > first_ + 12 * entries_) return;
  for (size_t i = 0; i < place->size; ++i) {
    const size_t shift = 8 * (little_ ? i : place->size - 1 - i);
    copy[place->at + i] = static_cast<uint8_t>(number >> shift);
  }
}

}  // namespace dtrain::image
