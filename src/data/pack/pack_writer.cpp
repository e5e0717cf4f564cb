#include "data/pack/pack_writer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "util/version.h"

namespace dtrain::data {
namespace {

// Note [Length of a chunk]
// A whole chunk is read for one sample by programs that go through the library, so chunks are
// short; and finding all of them when a pack is opened takes a time that grows with the square of
// their number (0.05 s for 1,000, 5 s for 10,000), so there are about a thousand.
constexpr int64_t kChunks = 1024;
constexpr int64_t kMinChunkBytes = 256 << 10, kMaxChunkBytes = 16 << 20;
// So much is seen before the length is chosen.
constexpr int64_t kSeenBytes = 1 << 20;

}  // namespace

PackWriter::PackWriter(const std::filesystem::path& path, PackHeader header, OnPiece on_piece)
    : header_(std::move(header)),
      on_piece_(std::move(on_piece)),
      file_(path, hdf5::Hdf5File::Mode::kCreate) {
  file_.write_attribute("/", "format", std::string(kPackFormat));
  file_.write_attribute("/", "version", kPackVersion);
  file_.write_attribute("/", "dtrain_version", std::string(util::kVersion));
  file_.write_strings("/class_names", header_.class_names);
  if (header_.statistics.empty()) return;
  const auto channels = int64_t(header_.statistics.mean.size());
  file_.write<double>("/mean", header_.statistics.mean, {channels});
  file_.write<double>("/std", header_.statistics.std, {channels});
}

void PackWriter::begin_split(const std::string& split,
                             int64_t expected,
                             const std::string& fingerprint) {
  check(group_.empty() && expected > 0, "splits are written one after the other, none is empty");
  group_ = "/" + split;
  expected_ = expected;
  offsets_ = {0};
  rows_per_chunk_ = 0;
  file_.make_group(group_);
  file_.write_attribute(group_, "source_fingerprint", fingerprint);
}

void PackWriter::add(const Item& item) {
  check(!item.bytes.empty() &&
            (!header_.has_pixels || int64_t(item.bytes.size()) == header_.shape.bytes()),
        "a sample has the bytes that its shape says");
  targets_.push_back(item.target);
  crcs_.push_back(item.crc);
  paths_.push_back(item.path);
  offsets_.push_back(offsets_.back() + int64_t(item.bytes.size()));
  buffer_.insert(buffer_.end(), item.bytes.begin(), item.bytes.end());
  flush(false);
}

void PackWriter::choose_chunk(bool all) {
  const auto seen = int64_t(buffer_.size());
  const int64_t row_bytes = header_.has_pixels ? header_.shape.bytes() : 1;
  const double total = double(seen) / double(targets_.size()) * double(expected_);
  const auto wanted = int64_t(std::bit_ceil(uint64_t(total / kChunks)));
  rows_per_chunk_ =
      std::max<int64_t>(1, std::clamp(wanted, kMinChunkBytes, kMaxChunkBytes) / row_bytes);
  if (all) rows_per_chunk_ = std::min(rows_per_chunk_, seen / row_bytes);
  std::vector<int64_t> row;
  if (header_.has_pixels) row = {header_.shape.height, header_.shape.width, header_.shape.channels};
  samples_ =
      std::make_unique<hdf5::Hdf5Appender>(file_,
                                           group_ + (header_.has_pixels ? "/pixels" : "/bytes"),
                                           hdf5::hdf5_type<uint8_t>(),
                                           row,
                                           rows_per_chunk_);
}

void PackWriter::flush(bool all) {
  if (rows_per_chunk_ == 0) {
    if (!all && int64_t(buffer_.size()) < kSeenBytes) return;
    choose_chunk(all);
  }
  const int64_t row_bytes = header_.has_pixels ? header_.shape.bytes() : 1;
  const int64_t rows = int64_t(buffer_.size()) / row_bytes;
  int64_t done = 0;
  while (rows - done >= rows_per_chunk_ || (all && done < rows)) {
    const int64_t now = std::min(rows_per_chunk_, rows - done);
    const int64_t place = samples_->append(buffer_.data() + done * row_bytes, now);
    if (on_piece_) on_piece_(place, now * row_bytes);
    done += now;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + done * row_bytes);
}

void PackWriter::end_split() {
  check(!targets_.empty(), "a split that is written has samples");
  flush(true);
  samples_.reset();
  const auto n = int64_t(targets_.size());
  file_.write<int64_t>(group_ + "/targets", targets_, {n});
  file_.write<uint32_t>(group_ + "/crc32", crcs_, {n});
  if (!header_.has_pixels) file_.write<int64_t>(group_ + "/offsets", offsets_, {n + 1});
  file_.write_strings(group_ + "/paths", paths_);
  targets_.clear();
  crcs_.clear();
  paths_.clear();
  group_.clear();
}

void PackWriter::finish() {
  check(group_.empty(), "the last split has ended");
  file_.close();
}

}  // namespace dtrain::data
