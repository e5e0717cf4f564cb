#include "data/pack/pack_dataset.h"

#include <algorithm>
#include <utility>

#include "data/split_names.h"
#include "hdf5/hdf5_chunks.h"
#include "hdf5/hdf5_file.h"
#include "util/check.h"
#include "util/hash.h"

namespace dtrain::data {
namespace {

constexpr const char* kMakeAnother = "make the pack again with `dtrain pack`";

}  // namespace

PackDataset::PackDataset(PackDatasetOptions options) : options_(std::move(options)) {
  const hdf5::Hdf5File file(options_.file, hdf5::Hdf5File::Mode::kRead, options_.advice);
  read_header(file);
  read_samples(file);
  file_ = hdf5::RawFile(file.descriptor(), options_.file);
}

std::vector<std::string> PackDataset::splits(const std::filesystem::path& path) {
  const hdf5::Hdf5File file(path, hdf5::Hdf5File::Mode::kRead, kMakeAnother);
  std::vector<std::string> found;
  for (const std::string& split : kAllSplits) {
    if (file.has("/" + split)) found.push_back(split);
  }
  return found;
}

void PackDataset::read_header(const hdf5::Hdf5File& file) {
  if (file.read_text("/", "format") != kPackFormat) throw file.damaged("/", "is not a pack");
  const int64_t version = file.read_integer("/", "version");
  if (version < 1 || version > kPackVersion) {
    throw file.damaged("/",
                       "has version " + std::to_string(version) + " of the format, this dtrain " +
                           "reads up to " + std::to_string(kPackVersion));
  }
  header_.class_names = file.read_strings("/class_names", -1);
  read_statistics(file);
  const std::string group = "/" + options_.split;
  if (!file.has(group)) {
    std::string known;
    for (const std::string& split : kAllSplits) {
      if (file.has("/" + split)) known += (known.empty() ? "" : ", ") + split;
    }
    throw file.damaged(group, "there is no such split; there are: " + known);
  }
}

void PackDataset::read_statistics(const hdf5::Hdf5File& file) {
  if (!file.has("/mean")) return;
  PixelStatistics& statistics = header_.statistics;
  statistics.mean = file.read<double>("/mean", {-1});
  const auto channels = int64_t(statistics.mean.size());
  statistics.std = file.read<double>("/std", {channels});
  const auto outside = [](double value) { return !(value >= 0 && value <= 1); };
  const auto flat = [](double value) { return !(value > 0 && value <= 1); };
  if ((channels != 1 && channels != 3) ||
      std::any_of(statistics.mean.begin(), statistics.mean.end(), outside) ||
      std::any_of(statistics.std.begin(), statistics.std.end(), flat)) {
    throw file.damaged("/mean", "expected a mean and a deviation from 0 to 1 for 1 or 3 channels");
  }
}

void PackDataset::read_samples(const hdf5::Hdf5File& file) {
  const std::string group = "/" + options_.split;
  targets_ = file.read<int64_t>(group + "/targets", {-1});
  const auto n = static_cast<int64_t>(targets_.size());
  for (const int64_t target : targets_) {
    if (target < kUnlabelled || target >= num_classes()) {
      throw file.damaged(group + "/targets",
                         "expected classes from 0 to " + std::to_string(num_classes() - 1) +
                             ", or -1 for unlabelled samples, found " + std::to_string(target));
    }
  }
  crcs_ = file.read<uint32_t>(group + "/crc32", {n});
  paths_ = file.read_strings(group + "/paths", n);
  header_.has_pixels = file.has(group + "/pixels");
  header_.shape = {0, 0, 3};
  const std::string object = group + (header_.has_pixels ? "/pixels" : "/bytes");
  const std::vector<int64_t> dims =
      header_.has_pixels ? std::vector<int64_t>{n, -1, -1, -1} : std::vector<int64_t>{-1};
  const hdf5::Hdf5Array samples = file.open_array(object, hdf5::hdf5_type<uint8_t>(), dims);
  places_ = hdf5::chunk_places(file, samples);
  chunk_bytes_ = samples.chunk[0];
  if (header_.has_pixels) {
    header_.shape = {samples.dims[1], samples.dims[2], samples.dims[3]};
    if (header_.shape.channels != 1 && header_.shape.channels != 3) {
      throw file.damaged(
          object, "has pixels of " + to_string(header_.shape) + "; 1 or 3 channels " + "are read");
    }
    chunk_bytes_ *= header_.shape.bytes();
  } else {
    offsets_ = file.read<int64_t>(group + "/offsets", {n + 1});
    check_offsets(file, group + "/offsets", samples.dims[0]);
  }
  const int64_t kept = options_.limit > 0 ? std::min(options_.limit, n) : n;
  for (int64_t i = 0; i < kept; ++i) stored_.push_back(i * n / kept);
}

// Each sample has bytes, and together they are all that there are.
void PackDataset::check_offsets(const hdf5::Hdf5File& file,
                                const std::string& object,
                                int64_t bytes) const {
  bool rises = offsets_.front() == 0 && offsets_.back() == bytes;
  for (size_t i = 1; rises && i < offsets_.size(); ++i) rises = offsets_[i - 1] < offsets_[i];
  if (!rises) {
    throw file.damaged(object, "expected rising numbers from 0 to " + std::to_string(bytes));
  }
}

Error PackDataset::damaged(int64_t index, const std::string& cause) const {
  return data_error(describe(index), cause, kMakeAnother);
}

void PackDataset::read_bytes(int64_t index, int64_t begin, std::vector<uint8_t>& bytes) const {
  std::span<uint8_t> rest = bytes;
  while (!rest.empty()) {
    const int64_t within = begin % chunk_bytes_;
    const auto now = std::min<int64_t>(int64_t(rest.size()), chunk_bytes_ - within);
    const int64_t place = places_[size_t(begin / chunk_bytes_)];
    if (!file_.read(place + within, rest.first(size_t(now)))) {
      throw damaged(index, "the file has become shorter");
    }
    rest = rest.subspan(size_t(now));
    begin += now;
  }
  if (pack_crc(bytes) != crcs_[size_t(stored(index))]) {
    throw damaged(index, "its bytes do not have their checksum");
  }
}

void PackDataset::read(int64_t index, Sample& sample) const {
  check(index >= 0 && index < size(), "a sample's index is below the size of its data set");
  const int64_t i = stored(index);
  if (header_.has_pixels) {
    sample.encoded.clear();
    sample.image.resize(header_.shape);
    read_bytes(index, i * header_.shape.bytes(), sample.image.pixels);
  } else {
    const int64_t begin = offsets_[size_t(i)];
    sample.encoded.resize(size_t(offsets_[size_t(i) + 1] - begin));
    read_bytes(index, begin, sample.encoded);
  }
  sample.target = targets_[size_t(i)];
  sample.id = index;
}

std::string PackDataset::fingerprint() const {
  util::Hasher hasher;
  const int64_t dims[] = {
      size(), header_.shape.height, header_.shape.width, header_.shape.channels};
  hasher.update(dims, sizeof dims);
  for (const std::string& name : header_.class_names) {
    hasher.update(std::to_string(name.size()) + ":" + name);
  }
  for (const int64_t i : stored_) {
    const int64_t numbers[] = {targets_[size_t(i)], crcs_[size_t(i)]};
    hasher.update(numbers, sizeof numbers);
  }
  return hasher.hex();
}

std::string PackDataset::origin(int64_t index) const { return paths_[size_t(stored(index))]; }

std::string PackDataset::describe(int64_t index) const {
  const std::string path = origin(index);
  return Dataset::describe(index) + " (" + (path.empty() ? "" : path + ", in ") +
         options_.file.string() + ")";
}

}  // namespace dtrain::data
