// Plans of batches; see Note [Batches and ranks] in the header.
#include "data/loader/sampler.h"

#include <algorithm>
#include <string>

#include "util/check.h"
#include "util/partition.h"
#include "util/random.h"

namespace dtrain::data {
namespace {

// The parts that a training batch is cut into.
int64_t parts_of(const Shard& shard) {
  return shard.virtual_world > 0 ? shard.virtual_world : shard.world_size;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

void check_arguments(int64_t batch_size, const Shard& shard) {
  check(batch_size > 0, "a batch has samples");
  check(shard.world_size > 0 && shard.rank >= 0 && shard.rank < shard.world_size,
        "a rank is below the number of ranks");
  check(parts_of(shard) >= shard.world_size, "every rank has a part of each batch");
}

}  // namespace

int64_t EpochPlan::global_size(int64_t k) const {
  if (purpose_ != Purpose::kTraining) return size(k);
  const int64_t global = batch_size_ * parts_;
  return std::min(global, samples_ - k * global);
}

int64_t EpochPlan::size(int64_t k) const {
  check(k >= 0 && k < batches_, "a batch is below the number of batches");
  if (purpose_ == Purpose::kTraining) {
    const int64_t size = global_size(k);
    return util::part_begin(size, parts_, end_part_) - util::part_begin(size, parts_, first_part_);
  }
  if (purpose_ == Purpose::kPrediction) return std::min(batch_size_, samples_ - first(k));
  const int64_t mine = divide_up(std::max<int64_t>(samples_ - shard_.rank, 0), shard_.world_size);
  return std::min(batch_size_, mine - k * batch_size_);
}

int64_t EpochPlan::first(int64_t k) const {
  if (purpose_ == Purpose::kEvaluation) return k * batch_size_;
  if (purpose_ == Purpose::kPrediction) {
    return (k * shard_.world_size + shard_.rank) * batch_size_;
  }
  return k * batch_size_ * parts_ + util::part_begin(global_size(k), parts_, first_part_);
}

int64_t EpochPlan::at(int64_t position) const {
  switch (purpose_) {
    case Purpose::kTraining:
      return order_[static_cast<size_t>(position)];
    case Purpose::kEvaluation:
      return shard_.rank + position * shard_.world_size;
    case Purpose::kPrediction:
      break;
  }
  return position;
}

std::vector<int64_t> EpochPlan::batch(int64_t k) const {
  std::vector<int64_t> indices(static_cast<size_t>(size(k)));
  const int64_t start = first(k);
  for (size_t i = 0; i < indices.size(); ++i) {
    indices[i] = at(start + static_cast<int64_t>(i));
  }
  return indices;
}

Sampler Sampler::training(
    int64_t samples, int64_t batch_size, bool drop_last, uint64_t seed, Shard shard) {
  check_arguments(batch_size, shard);
  const int64_t parts = parts_of(shard);
  const int64_t global = batch_size * parts;
  if (samples < (drop_last ? global : 1)) {
    throw data_error("training data",
                     std::to_string(samples) + " samples do not fill one batch of " +
                         std::to_string(global) + " (" + std::to_string(batch_size) +
                         " per rank x " + std::to_string(parts) + " ranks)",
                     "use a smaller --batch-size, fewer ranks, or --loader.drop_last false");
  }
  Sampler sampler(Purpose::kTraining, samples, batch_size, shard);
  sampler.batches_ = drop_last ? samples / global : divide_up(samples, global);
  sampler.samples_ = drop_last ? sampler.batches_ * global : samples;
  sampler.seed_ = seed;
  return sampler;
}

Sampler::Sampler(Purpose purpose, int64_t samples, int64_t batch_size, Shard shard)
    : purpose_(purpose),
      dataset_size_(samples),
      samples_(samples),
      batch_size_(batch_size),
      shard_(shard) {
  check_arguments(batch_size, shard);
  if (samples < 1) {
    throw data_error("evaluation data", "there are no samples", "check the data set and its limit");
  }
}

Sampler Sampler::evaluation(int64_t samples, int64_t batch_size, Shard shard) {
  Sampler sampler(Purpose::kEvaluation, samples, batch_size, shard);
  const int64_t mine = divide_up(std::max<int64_t>(samples - shard.rank, 0), shard.world_size);
  sampler.batches_ = divide_up(mine, batch_size);
  return sampler;
}

Sampler Sampler::prediction(int64_t samples, int64_t batch_size, Shard shard) {
  Sampler sampler(Purpose::kPrediction, samples, batch_size, shard);
  const int64_t all = divide_up(samples, batch_size);
  sampler.batches_ = divide_up(std::max<int64_t>(all - shard.rank, 0), shard.world_size);
  return sampler;
}

int64_t Sampler::max_batch_size() const {
  if (purpose_ != Purpose::kTraining) return batch_size_;
  const int64_t parts = parts_of(shard_);
  return batch_size_ * divide_up(parts, shard_.world_size);
}

int64_t Sampler::global_samples(int64_t first, int64_t last) const {
  const int64_t global = batch_size_ * parts_of(shard_);
  return std::min(last * global, samples_) - std::min(first * global, samples_);
}

EpochPlan Sampler::plan(int64_t epoch) const {
  EpochPlan plan;
  plan.purpose_ = purpose_;
  plan.samples_ = samples_;
  plan.batch_size_ = batch_size_;
  plan.shard_ = shard_;
  plan.parts_ = parts_of(shard_);
  plan.first_part_ = util::part_begin(plan.parts_, shard_.world_size, shard_.rank);
  plan.end_part_ = util::part_begin(plan.parts_, shard_.world_size, shard_.rank + 1);
  plan.batches_ = batches_;
  // Drawn over the whole data set also with drop_last, so that every sample has its turn to be left
  // out.
  if (purpose_ == Purpose::kTraining) plan.order_ = util::permutation(seed_, epoch, dataset_size_);
  return plan;
}

}  // namespace dtrain::data
