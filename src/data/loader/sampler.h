// Which samples a rank visits in an epoch, and in which batches: pure functions of integers.
//
// Note [Batches and ranks]
// Training: one random order of the whole data set per epoch, the same on every rank. Global batch
// k is order[k*G .. (k+1)*G) with G = batch_size * world_size, and rank r takes the r-th contiguous
// piece of it. So the ranks' pieces, joined in order of rank, are the global batch, and that
// depends on G alone: 1 rank with batch 8 sees the same batches as 4 ranks with batch 2. Every rank
// has the same number of batches, so collectives in every step always meet.
//   drop_last: the samples behind the last whole global batch sit this epoch out (another order, so
//   other samples, the next time). Otherwise they form a short last batch, shared as evenly as it
//   goes: pieces differ by at most one sample, the larger ones on the lower ranks, and a rank may
//   get none (size 0, to be run through the collectives all the same). A mean over ranks of local
//   means is then no mean over samples: weigh each rank's loss with local_size * world_size /
//   global_size.
// In the deterministic world (dist.deterministic_world = V) training goes as if there were V ranks,
// and a real rank visits what a run of them would, the first ones on rank 0.
// Evaluation: no order, no padding, nothing dropped: rank r visits r, r + N, r + 2N, ... Ranks may
// differ by one sample, hence by one batch: reduce sums once at the end, never per batch.
// Prediction: the batches of one rank, rank r takes batch r, r + N, r + 2N, ... So every sample is
// in the same batch as with one rank: kernels choose their order of summation by the batch, and
// with it the last bits of a sample's logits.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace dtrain::data {

enum class Purpose { kTraining, kEvaluation, kPrediction };

// This rank among its peers.
struct Shard {
  int64_t rank = 0;
  int64_t world_size = 1;
  // Parts that a training batch is cut into, a run of them for each rank; 0: one for each.
  int64_t virtual_world = 0;
};

// The samples of this rank in one epoch. Immutable; safe to share between threads.
class EpochPlan {
 public:
  int64_t batches() const { return batches_; }  // of this rank; for training the same on all ranks
  // Samples in batch `k` of this rank, and of all ranks together (evaluation: of this rank).
  int64_t size(int64_t k) const;
  int64_t global_size(int64_t k) const;
  // Position `i` of batch `k` -> index in the data set. Any batch at once, with no walk to it.
  int64_t index(int64_t k, int64_t i) const { return at(first(k) + i); }
  std::vector<int64_t> batch(int64_t k) const;

 private:
  friend class Sampler;
  int64_t at(int64_t position) const;
  int64_t first(int64_t k) const;  // position of the first sample of batch k of this rank

  Purpose purpose_ = Purpose::kEvaluation;
  int64_t samples_ = 0;     // of the epoch, all ranks
  int64_t batch_size_ = 0;  // of a part
  Shard shard_;
  // Parts of a training batch, and those of this rank.
  int64_t parts_ = 1, first_part_ = 0, end_part_ = 1;
  int64_t batches_ = 0;
  std::vector<int64_t> order_;  // training only
};

// Makes the plan of any epoch.
//
//   Sampler sampler = Sampler::training(60000, config.batch_size, config.drop_last, seed, {rank,
//   ranks}); EpochPlan plan = sampler.plan(epoch); for (int64_t k = first_batch; k <
//   plan.batches(); ++k) use(plan.batch(k));
class Sampler {
 public:
  // Throws Error(kData) with the numbers when `samples` do not fill one global batch (drop_last),
  // or when there are none at all.
  static Sampler training(
      int64_t samples, int64_t batch_size, bool drop_last, uint64_t seed, Shard shard);
  static Sampler evaluation(int64_t samples, int64_t batch_size, Shard shard);
  static Sampler prediction(int64_t samples, int64_t batch_size, Shard shard);

  int64_t batches_per_epoch() const { return batches_; }  // of this rank
  int64_t samples_per_epoch() const { return samples_; }  // of all ranks, after drop_last
  int64_t max_batch_size() const;                         // the most that a batch of this rank has
  // Samples in the training batches [first, last) of any epoch, on all ranks together.
  int64_t global_samples(int64_t first, int64_t last) const;
  EpochPlan plan(int64_t epoch) const;

 private:
  Sampler(Purpose purpose, int64_t samples, int64_t batch_size, Shard shard);

  Purpose purpose_;
  int64_t dataset_size_ = 0;
  int64_t samples_ = 0;
  int64_t batch_size_ = 0;  // of a part
  uint64_t seed_ = 0;
  Shard shard_;
  int64_t batches_ = 0;
};

}  // namespace dtrain::data
