// The samples of a file of predictions that have a target, for what passes over them many times.
//
//   const LabelledLogits table = read_labelled("validation.h5");
//   table.pass(threads, [](LabelledBlock& block) { ... }, [](const LabelledBlock& block) { ... });
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "predictions/predictions.h"

namespace dtrain::predictions {

// Some samples in a row, in memory.
struct LabelledBlock {
  int64_t first = 0;             // the first of them, in the table
  std::vector<int64_t> targets;  // of each
  std::vector<double> values;    // what the maker of a block leaves for its taker

  int64_t size() const { return static_cast<int64_t>(targets.size()); }
  std::span<const float> row(int64_t i) const;  // logits (K) of sample first + i

  std::vector<float> logits;  // of all rows of the file from the first sample's to the last one's
  std::vector<int64_t> rows;  // among them those of the samples
  int64_t classes = 0;
};

// Logits stay in the file; memory holds three numbers for each sample. Copies and halves read the
// same open file. Logits are as they are stored: the temperature in the header is left alone.
class LabelledLogits {
 public:
  // Error(kData) where no sample has a target.
  explicit LabelledLogits(const std::filesystem::path& predictions);

  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  int64_t classes() const { return file_->classes(); }
  int64_t id(int64_t i) const { return ids_[static_cast<size_t>(i)]; }

  // The samples of which `is_wanted` says so by their ids; there may be none.
  LabelledLogits where(const std::function<bool(int64_t id)>& is_wanted) const;

  // Every sample once. `make` gets blocks from `threads` threads; then `take` gets them in the
  // order of the table, one by one, on the calling thread. How samples are cut into blocks is not
  // to matter. Throws what either throws, and Error(kData) where the file is damaged.
  void pass(int64_t threads,
            const std::function<void(LabelledBlock&)>& make,
            const std::function<void(const LabelledBlock&)>& take) const;

 private:
  struct Range {
    int64_t first = 0, end = 0;  // samples
  };
  LabelledLogits() = default;
  int64_t rows_per_block() const;
  std::vector<Range> cut() const;
  void read(const Range& range, LabelledBlock& block) const;

  std::shared_ptr<const PredictionsFile> file_;
  std::vector<int64_t> rows_, ids_, targets_;  // row in the file, id and target of each sample
};

inline LabelledLogits read_labelled(const std::filesystem::path& predictions) {
  return LabelledLogits(predictions);
}

}  // namespace dtrain::predictions
