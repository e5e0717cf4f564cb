// Writing predictions; reading is in predictions_file.cpp.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/sample.h"
#include "hdf5/hdf5_chunks.h"
#include "predictions/predictions.h"
#include "predictions/predictions_format.h"
#include "util/atomic_file.h"
#include "util/version.h"

namespace dtrain::predictions {

int64_t largest(std::span<const float> values) {
  int64_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const float now = values[size_t(best)];
    if (values[i] > now || (std::isnan(now) && !std::isnan(values[i]))) best = int64_t(i);
  }
  return best;
}

// An array of logits that is filled from its first row on.
class PredictionsWriter::Rows {
 public:
  Rows(hdf5::Hdf5File& file, const std::string& object, std::vector<int64_t> row, int64_t samples)
      : rows_per_chunk_(chunk_rows(row, samples)),
        array_(file, object, hdf5::hdf5_type<float>(), row, rows_per_chunk_) {
    for (const int64_t length : row) row_ *= length;
  }

  void append(std::span<const float> values) {
    pending_.insert(pending_.end(), values.begin(), values.end());
    size_t done = 0;
    const auto chunk = size_t(rows_per_chunk_ * row_);
    for (; pending_.size() - done >= chunk; done += chunk) {
      array_.append(pending_.data() + done, rows_per_chunk_);
    }
    pending_.erase(pending_.begin(), pending_.begin() + std::ptrdiff_t(done));
  }

  void finish() {
    if (!pending_.empty()) array_.append(pending_.data(), int64_t(pending_.size()) / row_);
    pending_.clear();
  }

 private:
  int64_t row_ = 1, rows_per_chunk_;
  hdf5::Hdf5Appender array_;
  std::vector<float> pending_;
};

PredictionsWriter::PredictionsWriter(std::filesystem::path path,
                                     PredictionsHeader header,
                                     int64_t samples,
                                     bool keep_views)
    : path_(std::move(path)), header_(std::move(header)), samples_(samples) {
  check(samples > 0 && header_.classes() > 0, "predictions have samples and classes");
  util::make_folders(util::parent_folder(path_));
  temporary_ = util::temporary_beside(path_);
  file_ = std::make_unique<hdf5::Hdf5File>(temporary_, hdf5::Hdf5File::Mode::kCreate);
  const auto text = [&](const char* name, const std::string& value) {
    file_->write_attribute("/", name, value.empty() ? " " : value);
  };
  text("format", kPredictionsFormat);
  file_->write_attribute("/", "version", kPredictionsVersion);
  text("dtrain_version", util::kVersion);
  text("dataset", header_.dataset);
  text("data_fingerprint", header_.data_fingerprint);
  text("model", header_.model);
  text("model_fingerprint", header_.model_fingerprint);
  text("checkpoint", header_.checkpoint);
  text("method", header_.method);
  file_->write_attribute("/", "temperature", header_.temperature);
  file_->write_strings("/class_names", header_.class_names);
  file_->write_strings("/views", header_.views);
  const int64_t views = int64_t(header_.views.size()), classes = header_.classes();
  logits_ = std::make_unique<Rows>(*file_, "/logits", std::vector{classes}, samples);
  if (keep_views) {
    view_logits_ =
        std::make_unique<Rows>(*file_, "/view_logits", std::vector{views, classes}, samples);
  }
}

PredictionsWriter::~PredictionsWriter() {
  if (temporary_.empty()) return;
  logits_.reset();
  view_logits_.reset();
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void PredictionsWriter::append(const PredictionsIndex& rows,
                               std::span<const float> logits,
                               std::span<const float> view_logits) {
  const size_t n = rows.ids.size(), classes = size_t(header_.classes());
  check(rows.targets.size() == n && rows.paths.size() == n && logits.size() == n * classes &&
            (rows.predicted.empty() || rows.predicted.size() == n) &&
            view_logits.size() == (view_logits_ ? logits.size() * header_.views.size() : 0),
        "the columns of predictions are equally long");
  const auto add = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add(index_.ids, rows.ids);
  add(index_.targets, rows.targets);
  add(index_.paths, rows.paths);
  add(index_.predicted, rows.predicted);
  for (size_t i = 0; rows.predicted.empty() && i < n; ++i) {
    index_.predicted.push_back(largest(logits.subspan(i * classes, classes)));
  }
  logits_->append(logits);
  if (view_logits_) view_logits_->append(view_logits);
}

void PredictionsWriter::finish() {
  const auto n = int64_t(index_.ids.size());
  check(n == samples_, "as many predictions are written as were announced");
  check(std::adjacent_find(index_.ids.begin(), index_.ids.end(), std::greater_equal<>()) ==
            index_.ids.end(),
        "each sample is predicted once, in rising order of ids");
  logits_->finish();
  if (view_logits_) view_logits_->finish();
  file_->write<int64_t>("/ids", index_.ids, {n});
  file_->write<int64_t>("/targets", index_.targets, {n});
  file_->write<int64_t>("/predicted", index_.predicted, {n});
  file_->write_strings("/paths", index_.paths);
  logits_.reset();
  view_logits_.reset();
  file_->close();
  file_.reset();
  util::rename_path(temporary_, path_);
  temporary_.clear();
  util::sync_folder(util::parent_folder(path_));
}

}  // namespace dtrain::predictions
