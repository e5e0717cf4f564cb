// Synthetic images, and IDX files of them.
#include "tests/support/tiny_dataset.h"

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "util/hash.h"
#include "util/random.h"

namespace dtrain::testing {
namespace {

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

void write_split(const std::filesystem::path& folder,
                 const std::string& prefix,
                 const TinyOptions& options,
                 int64_t first,
                 int64_t count,
                 bool gzip) {
  std::vector<uint8_t> pixels, labels;
  for (int64_t id = first; id < first + count; ++id) {
    const std::vector<uint8_t> image = tiny_image(options, id);
    pixels.insert(pixels.end(), image.begin(), image.end());
    labels.push_back(static_cast<uint8_t>(id % options.classes));
  }
  std::vector<int64_t> dims = {count, options.height, options.width};
  if (options.channels > 1) dims.push_back(options.channels);
  const std::string suffix = gzip ? ".gz" : "";
  write_idx(folder / (prefix + "-images-idx3-ubyte" + suffix), dims, pixels, gzip);
  write_idx(folder / (prefix + "-labels-idx1-ubyte" + suffix), {count}, labels, gzip);
}

}  // namespace

void write_gzip(const std::filesystem::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  const auto size = static_cast<unsigned>(bytes.size());
  const bool written = file && gzwrite(file, bytes.data(), size) == static_cast<int>(size);
  if ((file && gzclose(file) != Z_OK) || !written) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

std::vector<uint8_t> tiny_image(const TinyOptions& options, int64_t id) {
  util::CounterRng rng(options.seed, util::RandomStream::kTest, 0, id);
  const int64_t row_bytes = options.width * options.channels;
  std::vector<uint8_t> pixels(static_cast<size_t>(options.height * row_bytes));
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(rng.below(100));
  // Class k owns the k-th band of rows.
  const int64_t k = id % options.classes;
  const int64_t begin = k * options.height / options.classes;
  const int64_t end = std::max(begin + 1, (k + 1) * options.height / options.classes);
  for (int64_t i = begin * row_bytes; i < std::min(end, options.height) * row_bytes; ++i) {
    pixels[static_cast<size_t>(i)] += 150;
  }
  return pixels;
}

void write_idx(const std::filesystem::path& path,
               const std::vector<int64_t>& dims,
               const std::vector<uint8_t>& items,
               bool gzip) {
  std::string bytes = {0, 0, 8, static_cast<char>(dims.size())};
  for (int64_t dim : dims) {
    for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(dim >> shift);
  }
  bytes.append(items.begin(), items.end());
  gzip ? write_gzip(path, bytes) : write_file(path, bytes);
}

void write_tiny_idx(const std::filesystem::path& folder, const TinyOptions& options, bool gzip) {
  std::filesystem::create_directories(folder);
  write_split(folder, "train", options, 0, options.train, gzip);
  write_split(folder, "t10k", options, options.train, options.test, gzip);
}

TinyDataset::TinyDataset(TinyOptions options, std::function<void(int64_t)> on_read)
    : options_(options), on_read_(std::move(on_read)) {
  for (int64_t k = 0; k < options.classes; ++k) class_names_.push_back(std::to_string(k));
}

void TinyDataset::read(int64_t index, data::Sample& sample) const {
  if (on_read_) on_read_(index);
  sample.image.shape = shape();
  sample.image.pixels = tiny_image(options_, index);
  sample.target = target(index);
  sample.id = index;
}

data::ImageShape TinyDataset::shape() const {
  return {options_.height, options_.width, options_.channels};
}

std::string TinyDataset::fingerprint() const {
  util::Hasher hasher;
  for (int64_t id = 0; id < size(); ++id) {
    const std::vector<uint8_t> image = tiny_image(options_, id);
    hasher.update(image.data(), image.size());
  }
  return hasher.hex();
}

}  // namespace dtrain::testing
