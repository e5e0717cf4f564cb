#include "predict/predict_report.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cinttypes>
#include <span>
#include <utility>
#include <vector>

#include "render/table.h"
#include "util/atomic_file.h"
#include "util/log.h"
#include "util/text.h"

namespace dtrain::predict {
namespace {

constexpr double kSecondsOnScreen = 0.2, kSecondsInFile = 10;  // between two lines of progress
constexpr int64_t kShownClasses = 5, kShownPictures = 20;

std::span<const float> floats_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<float>(), size_t(tensor.numel())};
}

template <class T>
std::vector<T> values_of(const at::Tensor& tensor) {
  const at::Tensor contiguous = tensor.contiguous();
  const T* values = contiguous.const_data_ptr<T>();
  return {values, values + contiguous.numel()};
}

}  // namespace

PredictReport::PredictReport(const PredictConfig& config,
                             const data::Dataset& dataset,
                             predictions::PredictionsHeader header,
                             std::filesystem::path output,
                             bool prints_classes)
    : config_(config),
      dataset_(dataset),
      header_(std::move(header)),
      output_(std::move(output)),
      prints_classes_(prints_classes && config.csv.empty() && config.probabilities.empty()),
      merge_(predict::parse_view_merge(config.merge)),
      submission_(dataset.size()) {
  if (!output_.empty()) {
    writer_.emplace(output_, header_, dataset_.size(), config_.keep_views);
  }
  if (!config_.probabilities.empty()) {
    probabilities_.emplace(config_.probabilities, header_.class_names);
  }
}

void PredictReport::print_classes(const std::string& name, const at::Tensor& logits) const {
  const at::Tensor probabilities = at::softmax(logits.to(at::kDouble) / header_.temperature, 0);
  const int64_t shown = std::min(kShownClasses, probabilities.size(0));
  const auto [values, classes] = probabilities.topk(shown);
  render::Table table;
  for (int64_t i = 0; i < shown; ++i) {
    const auto k = size_t(classes[i].item<int64_t>());
    table.row({util::formatted("%.2f %%", 100 * values[i].item<double>()), header_.class_names[k]});
  }
  util::log_info(name + "\n" + table.text());
}

void PredictReport::count(const predictions::PredictionsIndex& rows, const at::Tensor& logits) {
  const int64_t n = logits.size(0);
  const at::Tensor log_probabilities =
      at::log_softmax(logits.to(at::kDouble) / header_.temperature, 1);
  const at::Tensor likeliest = logits.argsort(/*stable=*/true, 1, /*descending=*/true)
                                   .narrow(1, 0, std::min<int64_t>(5, logits.size(1)));
  for (int64_t i = 0; i < n; ++i) {
    const int64_t target = rows.targets[size_t(i)];
    if (target == data::kUnlabelled) continue;
    ++labelled_;
    top1_ += rows.predicted[size_t(i)] == target;
    top5_ += likeliest[i].eq(target).any().item<bool>();
    loss_ -= log_probabilities[i][target].item<double>();
  }
}

// Of the network's own logits: those of merged views may be minus infinity.
void PredictReport::look_for_broken(const predict::PredictedBatch& batch) {
  const at::Tensor is_broken = batch.logits.isfinite().logical_not().flatten(1).any(1);
  const int64_t broken = is_broken.sum().item<int64_t>();
  if (broken > 0 && broken_ == 0) {
    first_broken_ = dataset_.describe(batch.first + is_broken.nonzero()[0].item<int64_t>());
  }
  broken_ += broken;
}

void PredictReport::add(const predict::PredictedBatch& batch) {
  look_for_broken(batch);
  const predict::MergedViews merged = predict::merge_views(batch.logits, merge_);
  predictions::PredictionsIndex rows;
  rows.ids = values_of<int64_t>(batch.ids);
  rows.predicted = values_of<int64_t>(merged.predicted);
  const at::Tensor logits = merged.logits.contiguous(), views = batch.logits.contiguous();
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const int64_t index = batch.first + i;
    rows.targets.push_back(dataset_.target(index));
    rows.paths.push_back(dataset_.origin(index));
    if (prints_classes_ && index < kShownPictures) {
      print_classes(dataset_.describe(index), logits[i]);
    }
  }
  if (!config_.csv.empty()) submission_.add(rows, header_.class_names);
  if (probabilities_) {
    const at::Tensor shares =
        at::softmax(logits.to(at::kDouble) / header_.temperature, 1).contiguous();
    probabilities_->add(rows, {shares.const_data_ptr<double>(), size_t(shares.numel())});
  }
  count(rows, logits);
  if (writer_) {
    writer_->append(
        rows, floats_of(logits), config_.keep_views ? floats_of(views) : std::span<const float>());
  }
  done_ += logits.size(0);
  if (!prints_classes_ || done_ > kShownPictures) progress();
}

void PredictReport::progress() {
  const double now = timer_.seconds();
  const double pause = util::log().has_screen() ? kSecondsOnScreen : kSecondsInFile;
  if (now - last_progress_ < pause && done_ < dataset_.size()) return;
  last_progress_ = now;
  util::log_progress(util::formatted("Predict: %" PRId64 "/%" PRId64 " (%3.0f%%)  Speed: %.0f/s",
                                     done_,
                                     dataset_.size(),
                                     100.0 * double(done_) / double(dataset_.size()),
                                     double(done_) / std::max(now, 1e-3)));
}

void PredictReport::finish() {
  if (broken_ > 0) {
    const bool is_narrow = config_.precision.ends_with("float16");
    util::log_warning(
        header_.checkpoint + " gives logits that are not finite for " + std::to_string(broken_) +
        " of " + std::to_string(done_) + " samples, the first of them " + first_broken_ +
        ": the network is broken" +
        (is_narrow ? ", or --precision " + config_.precision + " too narrow for it" : ""));
  }
  if (writer_) writer_->finish();
  if (!config_.csv.empty()) util::write_file_atomic(config_.csv, submission_.text());
  if (probabilities_) probabilities_->finish();
  if (prints_classes_ && done_ > kShownPictures) {
    util::log_info("... and " + std::to_string(done_ - kShownPictures) +
                   " more; --csv FILE writes the classes of all, --probabilities FILE everything");
  }
  if (labelled_ > 0) {
    const auto n = double(labelled_);
    util::log_info("Eval: " + dataset_.name() + "  Loss: " + util::formatted("%.4f", loss_ / n) +
                   "  Acc@1: " + util::formatted("%.3f", 100 * double(top1_) / n) +
                   "  Acc@5: " + util::formatted("%.3f", 100 * double(top5_) / n) +
                   (header_.temperature == 1
                        ? ""
                        : "  Temperature: " + util::formatted("%.4f", header_.temperature)));
  }
  std::string where = output_.string();
  for (const std::string& file : {config_.csv, config_.probabilities}) {
    if (!file.empty()) where += (where.empty() ? "" : ", ") + file;
  }
  if (!where.empty()) {
    util::log_info("Predicted: " + std::to_string(done_) + " samples by " + header_.checkpoint +
                   ": " + where);
  }
}

}  // namespace dtrain::predict
