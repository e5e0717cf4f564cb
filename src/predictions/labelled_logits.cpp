#include "predictions/labelled_logits.h"

#include <algorithm>
#include <utility>

#include "data/sample.h"
#include "util/check.h"
#include "util/ordered_queue.h"

namespace dtrain::predictions {
namespace {

constexpr int64_t kBlockBytes = 256 << 10;         // at least, where chunks are smaller
constexpr int64_t kMaxBytes = int64_t{512} << 20;  // of all blocks together

}  // namespace

std::span<const float> LabelledBlock::row(int64_t i) const {
  return std::span(logits).subspan(size_t(rows[size_t(i)] * classes), size_t(classes));
}

LabelledLogits::LabelledLogits(const std::filesystem::path& predictions) {
  auto file = std::make_shared<PredictionsFile>(predictions);
  const PredictionsIndex index = file->take_index();
  file_ = std::move(file);
  for (size_t row = 0; row < index.ids.size(); ++row) {
    if (index.targets[row] == data::kUnlabelled) continue;
    rows_.push_back(int64_t(row));
    ids_.push_back(index.ids[row]);
    targets_.push_back(index.targets[row]);
  }
  if (rows_.empty()) {
    throw data_error(predictions.string(),
                     "no sample has a target",
                     "calibrate on predictions of a labelled split");
  }
}

LabelledLogits LabelledLogits::where(const std::function<bool(int64_t id)>& is_wanted) const {
  LabelledLogits part;
  part.file_ = file_;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (!is_wanted(ids_[i])) continue;
    part.rows_.push_back(rows_[i]);
    part.ids_.push_back(ids_[i]);
    part.targets_.push_back(targets_[i]);
  }
  return part;
}

// Of whole chunks of the file, so that none is read twice.
int64_t LabelledLogits::rows_per_block() const {
  const int64_t chunk = file_->rows_per_chunk();
  const int64_t chunk_bytes = chunk * classes() * int64_t(sizeof(float));
  return chunk * std::max<int64_t>(1, kBlockBytes / chunk_bytes);
}

std::vector<LabelledLogits::Range> LabelledLogits::cut() const {
  const int64_t rows = rows_per_block();
  std::vector<Range> ranges;
  for (int64_t first = 0; first < size();) {
    int64_t end = first + 1;
    while (end < size() && rows_[size_t(end)] / rows == rows_[size_t(first)] / rows) ++end;
    ranges.push_back({first, end});
    first = end;
  }
  return ranges;
}

void LabelledLogits::read(const Range& range, LabelledBlock& block) const {
  const int64_t top = rows_[size_t(range.first)], bottom = rows_[size_t(range.end - 1)];
  block.first = range.first;
  block.classes = classes();
  block.targets.assign(targets_.begin() + range.first, targets_.begin() + range.end);
  block.rows.assign(rows_.begin() + range.first, rows_.begin() + range.end);
  for (int64_t& row : block.rows) row -= top;
  block.logits.resize(size_t((bottom - top + 1) * classes()));
  file_->read_logits(top, block.logits);
}

void LabelledLogits::pass(int64_t threads,
                          const std::function<void(LabelledBlock&)>& make,
                          const std::function<void(const LabelledBlock&)>& take) const {
  const std::vector<Range> ranges = cut();
  const auto blocks = int64_t(ranges.size());
  if (blocks == 0) return;
  // A block holds its rows, and for a moment the chunk that they come from.
  const int64_t block_bytes = 2 * rows_per_block() * classes() * int64_t(sizeof(float));
  threads = std::clamp<int64_t>(kMaxBytes / block_bytes - 1, 1, std::min(threads, blocks));
  util::OrderedQueue<LabelledBlock> queue({.count = blocks, .threads = threads},
                                          [&](int64_t number, LabelledBlock& block) {
                                            read(ranges[size_t(number)], block);
                                            make(block);
                                          });
  while (const LabelledBlock* block = queue.next()) take(*block);
}

}  // namespace dtrain::predictions
