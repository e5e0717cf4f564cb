#include "predictions/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/sample.h"
#include "metrics/probability_scores.h"
#include "predictions/vote_members.h"
#include "util/check.h"

namespace dtrain::predictions {
namespace {

// The samples with the least probable targets; of equals, those that stand first.
class Hardest {
 public:
  explicit Hardest(int64_t wanted) : wanted_(size_t(wanted)) {}

  void add(double nll, int64_t row) {
    if (wanted_ == 0) return;
    // Of logits that overflowed; there is no order with NaN in it.
    if (std::isnan(nll)) nll = std::numeric_limits<double>::infinity();
    if (kept_.size() == wanted_ && !is_harder({nll, row}, kept_.front())) return;
    // A heap whose front is the easiest of them.
    kept_.push_back({nll, row});
    std::push_heap(kept_.begin(), kept_.end(), is_harder);
    if (kept_.size() <= wanted_) return;
    std::pop_heap(kept_.begin(), kept_.end(), is_harder);
    kept_.pop_back();
  }

  std::vector<EvaluatedSample> samples(const PredictionsIndex& index) {
    std::sort_heap(kept_.begin(), kept_.end(), is_harder);
    std::vector<EvaluatedSample> samples;
    for (const Entry& one : kept_) {
      const auto i = size_t(one.row);
      samples.push_back({one.row,
                         index.ids[i],
                         index.targets[i],
                         index.predicted[i],
                         std::exp(-one.nll),
                         index.paths[i]});
    }
    return samples;
  }

 private:
  struct Entry {
    double nll = 0;
    int64_t row = 0;
  };
  static bool is_harder(const Entry& a, const Entry& b) {
    return a.nll != b.nll ? a.nll > b.nll : a.row < b.row;
  }
  size_t wanted_;
  std::vector<Entry> kept_;
};

}  // namespace

Evaluation evaluate(const PredictionsFile& file, const EvaluationOptions& options) {
  const PredictionsIndex& index = file.index();
  const int64_t classes = file.classes(), step = file.rows_per_chunk();
  metrics::ProbabilityScores scores;
  Hardest hardest(options.hardest);
  Evaluation out{.header = file.header(),
                 .samples = file.size(),
                 .confusion = metrics::ConfusionMatrix(classes),
                 .bins = {},
                 .hardest = {}};
  std::vector<float> logits;
  for (int64_t first = 0; first < file.size(); first += step) {
    const int64_t n = std::min(step, file.size() - first);
    logits.resize(size_t(n * classes));
    file.read_logits(first, logits);
    for (int64_t row = first; row < first + n; ++row) {
      const int64_t target = index.targets[size_t(row)];
      if (target == data::kUnlabelled) continue;
      const auto values =
          std::span(logits).subspan(size_t((row - first) * classes), size_t(classes));
      hardest.add(scores.add(values, out.header.temperature, target), row);
      out.confusion.add(target, index.predicted[size_t(row)]);
    }
  }
  out.labelled = scores.samples();
  if (out.labelled == 0) {
    throw data_error(
        file.path().string(), "no sample has a target", "evaluate predictions of a labelled split");
  }
  out.top1 = out.confusion.accuracy();
  out.top5 = scores.top5();
  out.nll = scores.nll();
  out.brier = scores.brier();
  out.bins = metrics::equal_width_bins(scores.confidences());
  out.ece = metrics::calibration_error(out.bins);
  out.adaptive_ece = metrics::calibration_error(metrics::equal_mass_bins(scores.confidences()));
  out.hardest = hardest.samples(index);
  return out;
}

Comparison compare(const std::string& left, const std::string& right) {
  const VoteMembers opened = open_members({left, right}, 0);
  const std::vector<int64_t>& a = opened.members[0].predicted;
  const std::vector<int64_t>& b = opened.members[1].predicted;
  const VoteStatistics statistics = vote_statistics({a}, b, opened.index.targets);
  Comparison out;
  out.samples = statistics.samples;
  out.labelled = statistics.labelled;
  if (!statistics.members.empty()) out.counts = statistics.members.front();
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    out.differing.push_back({int64_t(i),
                             opened.index.ids[i],
                             opened.index.targets[i],
                             a[i],
                             b[i],
                             opened.index.paths[i]});
  }
  return out;
}

}  // namespace dtrain::predictions
