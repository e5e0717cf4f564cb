// Predictions: for every sample of a data set its id, the logits of a model or of a vote, and the
// target where it is known. What comes after training meets here: `predict` writes this table;
// `vote`, `calibrate`, `evaluate` and `report` read it and write it, and need neither the model nor
// the data.
//
//   PredictionsFile file("predictions.h5");
//   std::vector<float> logits(file.size() * file.classes());
//   file.read_logits(0, logits);
//
// docs/predictions_format.md is the page on the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hdf5/hdf5_file.h"
#include "hdf5/raw_file.h"

namespace dtrain::hdf5 {
class Hdf5Appender;
}

namespace dtrain::predictions {

// What holds for the whole table.
struct PredictionsHeader {
  std::string dataset;           // "fashion_mnist/test"
  std::string data_fingerprint;  // Dataset::fingerprint()
  std::vector<std::string> class_names;
  std::string model;              // "resnet18", "soft vote of 3"
  std::string model_fingerprint;  // of the weights
  std::string checkpoint;         // "<run folder>/<checkpoint>"; empty for a vote
  std::string method;             // "mean of probabilities" of the views, "soft" of a vote ...
  std::vector<std::string> views = {"identity"};  // how each sample was shown
  double temperature = 1;  // what the logits are to be divided by, fitted on other data; 1: nothing

  int64_t classes() const { return static_cast<int64_t>(class_names.size()); }
};

// All but the logits: small enough to be held for any data set.
struct PredictionsIndex {
  std::vector<int64_t> ids;        // (N), rising, as Sample::id
  std::vector<int64_t> targets;    // (N), data::kUnlabelled where unknown
  std::vector<int64_t> predicted;  // (N) classes; largest logit, the lowest class of equals,
                                   // unless a vote decided otherwise
  std::vector<std::string> paths;  // (N), below the data set's folder; empty texts where no files
};

// The class of the largest value, the lowest of equals; NaN never wins over a number.
int64_t largest(std::span<const float> values);

// Writes the table from its first sample to its last. The file appears, or replaces another, when
// finish() returns; before, and after an error, only a temporary beside it exists. Stays on one
// thread, as Hdf5File does. Errors are Error(kIo).
class PredictionsWriter {
 public:
  // `samples` > 0 in all. `views` of the header are kept apart, besides the merged logits, if
  // `keep_views`.
  PredictionsWriter(std::filesystem::path path,
                    PredictionsHeader header,
                    int64_t samples,
                    bool keep_views = false);
  ~PredictionsWriter();

  // Some samples in a row. `logits` is (n, K), `view_logits` (n, V, K) or empty. predicted may be
  // empty: then it is what largest() says.
  void append(const PredictionsIndex& rows,
              std::span<const float> logits,
              std::span<const float> view_logits = {});
  void finish();

 private:
  class Rows;
  std::filesystem::path path_, temporary_;
  PredictionsHeader header_;
  int64_t samples_;
  PredictionsIndex index_;
  std::unique_ptr<hdf5::Hdf5File> file_;
  std::unique_ptr<Rows> logits_, view_logits_;
};

// A table on disk; what is not the logits is in memory. Many may be open at once, and any thread
// may read. Throws Error(kData) for files that are damaged or of another kind, Error(kIo) where the
// system refuses, Error(kUnsafe) as Hdf5File does.
class PredictionsFile {
 public:
  explicit PredictionsFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  const PredictionsHeader& header() const { return header_; }
  const PredictionsIndex& index() const { return index_; }
  // Hands the index over: index() is empty from then on. Who reads many large files keeps one.
  PredictionsIndex take_index() { return std::exchange(index_, {}); }
  int64_t size() const { return size_; }
  int64_t classes() const { return header_.classes(); }
  bool has_targets() const;  // every sample has one
  bool has_views() const { return !views_.places.empty(); }

  // Logits of the samples from `first` on, (n, K); the checksums of what is read are checked. Best
  // in whole multiples of rows_per_chunk(), where nothing is read twice.
  void read_logits(int64_t first, std::span<float> logits) const;
  int64_t rows_per_chunk() const { return logits_.rows_per_chunk; }
  // Reads all logits for nothing but their checksums, as the file opens without.
  void verify_logits() const;
  // (n, V, K), where they are kept.
  void read_view_logits(int64_t first, std::span<float> logits) const;

 private:
  struct Array {
    std::string object;
    std::vector<int64_t> places;  // of the chunks in the file
    int64_t row = 0;              // values of one sample
    int64_t rows_per_chunk = 0;
    int64_t trailer = 0;
  };
  void read_header(const hdf5::Hdf5File& file);
  void read_index(const hdf5::Hdf5File& file);
  static Array open(const hdf5::Hdf5File& file,
                    const std::string& object,
                    const std::vector<int64_t>& dims);
  void read(const Array& array, int64_t first, std::span<float> values) const;
  Error damaged(const std::string& object, const std::string& cause) const;

  std::filesystem::path path_;
  PredictionsHeader header_;
  PredictionsIndex index_;
  int64_t size_ = 0;
  Array logits_, views_;
  hdf5::RawFile file_;
};

}  // namespace dtrain::predictions
