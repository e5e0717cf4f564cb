#include "predictions/vote_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "data/sample.h"
#include "predictions/predictions_format.h"
#include "predictions/vote_members.h"
#include "util/check.h"

namespace dtrain::predictions {
namespace {

constexpr int64_t kMaxSteps = 100'000;

struct Mixture {
  double nll = 0;
  std::vector<double> ratios;  // r of Note [Weights of a mixture]
};

Mixture evaluate(std::span<const double> probabilities, const std::vector<double>& weights) {
  const size_t members = weights.size(), n = probabilities.size() / members;
  Mixture mixture{.nll = 0, .ratios = std::vector<double>(members, 0)};
  for (size_t i = 0; i < n; ++i) {
    const double* row = probabilities.data() + i * members;
    const double mixed = std::inner_product(row, row + members, weights.begin(), 0.0);
    mixture.nll -= std::log(mixed);
    for (size_t m = 0; m < members; ++m) mixture.ratios[m] += row[m] / mixed;
  }
  mixture.nll /= double(n);
  for (double& ratio : mixture.ratios) ratio /= double(n);
  return mixture;
}

double probability_of(std::span<const float> logits, int64_t target, double temperature) {
  double top = -std::numeric_limits<double>::infinity(), sum = 0;
  for (const float logit : logits) top = std::max(top, double(logit));
  for (const float logit : logits) sum += std::exp((double(logit) - top) / temperature);
  return std::exp((double(logits[size_t(target)]) - top) / temperature) / sum;
}

Error unlabelled(const VoteMembers& opened) {
  return data_error(opened.members.front().file.path().string(),
                    "weights are found on samples with targets, it has none",
                    "predict a labelled split for them");
}

// (n, M), of the labelled samples.
std::vector<double> target_probabilities(const VoteMembers& opened,
                                         const std::vector<double>& temperatures) {
  const std::vector<VoteMember>& members = opened.members;
  const std::vector<int64_t>& targets = opened.index.targets;
  const int64_t samples = int64_t(targets.size()), classes = members.front().file.classes();
  const int64_t rows = chunk_rows({classes}, samples);
  std::vector<double> all(targets.size() * members.size(), 0);
  std::vector<float> logits;
  for (size_t m = 0; m < members.size(); ++m) {
    const double temperature =
        temperatures.empty() ? members[m].file.header().temperature : temperatures[m];
    for (int64_t first = 0; first < samples; first += rows) {
      logits.resize(size_t(std::min(rows, samples - first) * classes));
      members[m].file.read_logits(first, logits);
      for (size_t at = 0; at < logits.size(); at += size_t(classes)) {
        const size_t i = size_t(first) + at / size_t(classes);
        if (targets[i] == data::kUnlabelled) continue;
        const auto row = std::span(logits).subspan(at, size_t(classes));
        all[i * members.size() + m] = probability_of(row, targets[i], temperature);
      }
    }
  }
  std::vector<double> labelled;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] == data::kUnlabelled) continue;
    const auto row = all.begin() + std::ptrdiff_t(i * members.size());
    labelled.insert(labelled.end(), row, row + std::ptrdiff_t(members.size()));
  }
  if (labelled.empty()) throw unlabelled(opened);
  return labelled;
}

}  // namespace

FittedWeights fit_weights(std::span<const double> probabilities, int64_t members) {
  check(members > 0 && !probabilities.empty() && probabilities.size() % size_t(members) == 0,
        "weights are fitted to samples");
  // A probability of zero is that of a number too small: no member is ruled out by one sample, and
  // what is not a number counts as that too.
  std::vector<double> floored(probabilities.begin(), probabilities.end());
  for (double& p : floored) p = p > 1e-300 ? p : 1e-300;
  FittedWeights fitted;
  fitted.weights.assign(size_t(members), 1 / double(members));
  for (int64_t step = 0; step < kMaxSteps; ++step) {
    const Mixture mixture = evaluate(floored, fitted.weights);
    fitted.nll = mixture.nll;
    if (step == 0) fitted.uniform_nll = mixture.nll;
    fitted.gap = *std::max_element(mixture.ratios.begin(), mixture.ratios.end()) - 1;
    if (fitted.gap <= kLargestWeightGap) return fitted;
    for (size_t m = 0; m < size_t(members); ++m) fitted.weights[m] *= mixture.ratios[m];
    const double sum = std::accumulate(fitted.weights.begin(), fitted.weights.end(), 0.0);
    for (double& weight : fitted.weights) weight /= sum;
  }
  throw data_error("weights of a vote",
                   "after " + std::to_string(kMaxSteps) + " steps the NLL may still be " +
                       std::to_string(fitted.gap) + " above the least",
                   "give the weights, or take them from the accuracy");
}

FittedWeights fitted_weights(const std::vector<std::filesystem::path>& validation,
                             const std::vector<double>& temperatures) {
  check(temperatures.empty() || temperatures.size() == validation.size(),
        "each file has a temperature");
  const VoteMembers opened = open_members(validation, 0);
  return fit_weights(target_probabilities(opened, temperatures), int64_t(opened.members.size()));
}

std::vector<double> accuracy_weights(const std::vector<std::filesystem::path>& validation) {
  const VoteMembers opened = open_members(validation, 0);
  const std::vector<int64_t>& targets = opened.index.targets;
  if (std::count(targets.begin(), targets.end(), data::kUnlabelled) == int64_t(targets.size())) {
    throw unlabelled(opened);
  }
  std::vector<double> weights;
  for (const VoteMember& one : opened.members) {
    double right = 0;
    for (size_t i = 0; i < targets.size(); ++i) right += one.predicted[i] == targets[i];
    weights.push_back(right);
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sum == 0) {
    throw data_error(validation.front().string(),
                     "no member of the vote is right on any sample",
                     "give the weights");
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace dtrain::predictions
