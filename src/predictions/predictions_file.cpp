// Reading predictions; writing is in predictions_writer.cpp.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>

#include "data/sample.h"
#include "hdf5/fletcher32.h"
#include "hdf5/hdf5_chunks.h"
#include "predictions/predictions.h"
#include "predictions/predictions_format.h"

namespace dtrain::predictions {
namespace {

constexpr const char* kPredictAgain = "write it again with `dtrain predict` or `dtrain vote`";

}  // namespace

PredictionsFile::PredictionsFile(std::filesystem::path path) : path_(std::move(path)) {
  const hdf5::Hdf5File file(path_, hdf5::Hdf5File::Mode::kRead, kPredictAgain);
  read_header(file);
  read_index(file);
  const int64_t n = size(), views = int64_t(header_.views.size());
  logits_ = open(file, "/logits", {n, classes()});
  if (file.has("/view_logits")) views_ = open(file, "/view_logits", {n, views, classes()});
  file_ = hdf5::RawFile(file.descriptor(), path_);
}

void PredictionsFile::read_header(const hdf5::Hdf5File& file) {
  if (file.read_text("/", "format") != kPredictionsFormat) {
    throw file.damaged("/", "is no file of predictions");
  }
  const int64_t version = file.read_integer("/", "version");
  if (version < 1 || version > kPredictionsVersion) {
    throw file.damaged("/",
                       "has version " + std::to_string(version) +
                           " of the format, this dtrain reads up to " +
                           std::to_string(kPredictionsVersion));
  }
  const auto text = [&](const char* name) {
    const std::string value = file.read_text("/", name);
    return value == " " ? std::string() : value;
  };
  header_.dataset = text("dataset");
  header_.data_fingerprint = text("data_fingerprint");
  header_.model = text("model");
  header_.model_fingerprint = text("model_fingerprint");
  header_.checkpoint = text("checkpoint");
  header_.method = text("method");
  header_.temperature = file.read_number("/", "temperature");
  if (!(header_.temperature > 0) || !std::isfinite(header_.temperature)) {
    throw file.damaged("/", "has a temperature that is not above zero");
  }
  header_.class_names = file.read_strings("/class_names", -1);
  header_.views = file.read_strings("/views", -1);
}

void PredictionsFile::read_index(const hdf5::Hdf5File& file) {
  index_.ids = file.read<int64_t>("/ids", {-1});
  const auto n = size_ = int64_t(index_.ids.size());
  index_.targets = file.read<int64_t>("/targets", {n});
  index_.predicted = file.read<int64_t>("/predicted", {n});
  index_.paths = file.read_strings("/paths", n);
  const auto& ids = index_.ids;
  if (std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) != ids.end()) {
    throw file.damaged("/ids", "do not rise from sample to sample");
  }
  const auto expect_classes = [&](const std::string& object,
                                  const std::vector<int64_t>& found,
                                  int64_t lowest) {
    for (const int64_t one : found) {
      if (one < lowest || one >= classes()) {
        throw file.damaged(object,
                           "expected classes from " + std::to_string(lowest) + " to " +
                               std::to_string(classes() - 1) + ", found " + std::to_string(one));
      }
    }
  };
  expect_classes("/targets", index_.targets, data::kUnlabelled);
  expect_classes("/predicted", index_.predicted, 0);
}

PredictionsFile::Array PredictionsFile::open(const hdf5::Hdf5File& file,
                                             const std::string& object,
                                             const std::vector<int64_t>& dims) {
  const hdf5::Hdf5Array stored = file.open_array(object, hdf5::hdf5_type<float>(), dims);
  Array array{.object = object, .places = hdf5::chunk_places(file, stored), .row = 1};
  for (size_t i = 1; i < dims.size(); ++i) array.row *= dims[i];
  array.rows_per_chunk = stored.chunk[0];
  array.trailer = stored.trailer;
  return array;
}

bool PredictionsFile::has_targets() const {
  return std::find(index_.targets.begin(), index_.targets.end(), data::kUnlabelled) ==
         index_.targets.end();
}

Error PredictionsFile::damaged(const std::string& object, const std::string& cause) const {
  return data_error(path_.string() + ": " + object, cause, kPredictAgain);
}

void PredictionsFile::read(const Array& array, int64_t first, std::span<float> values) const {
  const int64_t rows = int64_t(values.size()) / array.row;
  check(first >= 0 && first + rows <= size() && rows * array.row == int64_t(values.size()),
        "whole samples of the table are read");
  const int64_t per_chunk = array.rows_per_chunk;
  const size_t chunk_bytes = size_t(per_chunk * array.row) * sizeof(float);
  std::vector<uint8_t> chunk(chunk_bytes + size_t(array.trailer));
  for (int64_t at = first; at < first + rows;) {
    const int64_t number = at / per_chunk, skipped = at % per_chunk;
    const int64_t taken = std::min(per_chunk - skipped, first + rows - at);
    const auto failed = [&](const std::string& cause) {
      return damaged(array.object, "chunk " + std::to_string(number) + " " + cause);
    };
    if (!file_.read(array.places[size_t(number)], chunk)) throw failed("is cut off");
    if (array.trailer == 4) {
      const uint8_t* sum = chunk.data() + chunk_bytes;
      const uint32_t stored = uint32_t(sum[0]) | uint32_t(sum[1]) << 8 | uint32_t(sum[2]) << 16 |
                              uint32_t(sum[3]) << 24;
      if (!hdf5::same_fletcher32(hdf5::fletcher32({chunk.data(), chunk_bytes}), stored)) {
        throw failed("does not have its checksum");
      }
    }
    std::memcpy(values.data() + (at - first) * array.row,
                chunk.data() + size_t(skipped * array.row) * sizeof(float),
                size_t(taken * array.row) * sizeof(float));
    at += taken;
  }
}

void PredictionsFile::read_logits(int64_t first, std::span<float> logits) const {
  read(logits_, first, logits);
}

void PredictionsFile::verify_logits() const {
  std::vector<float> rows;
  for (int64_t first = 0; first < size(); first += rows_per_chunk()) {
    rows.resize(size_t(std::min(rows_per_chunk(), size() - first) * classes()));
    read_logits(first, rows);
  }
}

void PredictionsFile::read_view_logits(int64_t first, std::span<float> logits) const {
  check(has_views(), "the views were kept");
  read(views_, first, logits);
}

}  // namespace dtrain::predictions
