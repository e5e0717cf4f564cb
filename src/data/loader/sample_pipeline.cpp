// Read, frame, augment, collate.
#include "data/loader/sample_pipeline.h"

#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "data/loader/collate.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::data {
namespace {

// Replacements that may be bad themselves, one after the other.
constexpr int kMaxTries = 16;

// Throws the exception being handled again, with the sample named.
[[noreturn]] void rethrow_named(const Dataset& dataset, int64_t index) {
  const std::string sample = dataset.describe(index);
  try {
    throw;
  } catch (const Error& error) {
    throw Error(error.code(), sample + ", " + error.subject(), error.cause(), error.advice());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw data_error(sample, error.what(), "");
  }
}

Views at_least_one(Views views) {
  if (views.empty()) views.push_back({.name = "plain", .framing = {}, .steps = {}});
  return views;
}

}  // namespace

struct SamplePipeline::Replaced {
  std::mutex mutex;
  std::set<int64_t> indices;
};

SamplePipeline::SamplePipeline(const Dataset& dataset,
                               Views views,
                               uint64_t seed,
                               BadSamplePolicy policy)
    : dataset_(dataset),
      views_(at_least_one(std::move(views))),
      seed_(seed),
      policy_(policy),
      replaced_(std::make_unique<Replaced>()) {
  for (const View& view : views_) {
    const ImageShape shape = shape_of(view, dataset.shape());
    if (shape.height == 0) {
      throw config_error("data set " + dataset.name(),
                         "its images differ in size",
                         "set transforms.size, to which all of them are brought");
    }
    if (&view != &views_.front() && shape != shape_) {
      throw config_error("views " + views_.front().name + " and " + view.name,
                         "give images of " + to_string(shape_) + " and " + to_string(shape),
                         "all views of a sample have one size");
    }
    shape_ = shape;
  }
}

SamplePipeline::~SamplePipeline() = default;

void SamplePipeline::make(
    int64_t index, int64_t epoch, int64_t position, HostBatch& batch, Scratch& scratch) {
  util::CounterRng rng(seed_, kReplacementStream, 0, index);
  for (int tries = 0;; ++tries) {
    try {
      return render(index, epoch, position, batch, scratch);
    } catch (const Error& error) {
      if (!policy_.replace || error.code() != ExitCode::kData) throw;
      std::lock_guard lock(replaced_->mutex);
      if (replaced_->indices.insert(index).second) {
        util::log_warning(std::string("Replaced a bad sample: ") + error.what());
      }
      if (static_cast<int64_t>(replaced_->indices.size()) > policy_.quota) {
        throw data_error(error.subject(),
                         error.cause() + ", and this is bad sample number " +
                             std::to_string(replaced_->indices.size()) + " where " +
                             std::to_string(policy_.quota) + " are allowed",
                         "`dtrain verify-data` lists all of them; loader.max_bad_samples is the "
                         "number allowed");
      }
    }
    if (tries == kMaxTries) {
      throw data_error(dataset_.describe(index),
                       "no replacement for it could be read, " + std::to_string(kMaxTries) +
                           " samples in a row are bad",
                       "`dtrain verify-data` lists all of them");
    }
    index = rng.below(dataset_.size());
  }
}

std::set<int64_t> SamplePipeline::replaced() const {
  std::lock_guard lock(replaced_->mutex);
  return replaced_->indices;
}

// Whether a view's picture is that of the view before it, so that it need not be decoded again.
bool SamplePipeline::reuses_framing(size_t view) const {
  if (view == 0 || view >= views_.size()) return false;
  const auto &before = views_[view - 1].framing, &now = views_[view].framing;
  if (!before || !now) return !before && !now;
  return *before == *now && !now->is_random();
}

void SamplePipeline::render(
    int64_t index, int64_t epoch, int64_t position, HostBatch& batch, Scratch& scratch) {
  Sample& sample = scratch.sample;
  try {
    dataset_.read(index, sample);
    for (size_t v = 0; v < views_.size(); ++v) {
      const View& view = views_[v];
      const auto number = static_cast<int64_t>(v);
      if (reuses_framing(v)) {
        scratch.image = scratch.framed;
      } else if (view.framing) {
        const uint64_t seed = v == 0 ? seed_ : util::mix(seed_, v, 0);
        util::CounterRng rng(seed, kPartStream, epoch, sample.id);
        frame(*view.framing, sample, scratch.image, scratch.framing, rng);
      } else if (views_.size() == 1) {
        std::swap(scratch.image, sample.image);
      } else {
        scratch.image = sample.image;
      }
      if (reuses_framing(v + 1)) scratch.framed = scratch.image;
      apply_steps(view.steps, number, seed_, epoch, sample.id, scratch.image, scratch.spare);
      collate(scratch.image, number, position, batch);
    }
  } catch (...) {
    rethrow_named(dataset_, index);
  }
  batch.targets[static_cast<size_t>(position)] = sample.target;
  batch.ids[static_cast<size_t>(position)] = sample.id;
}

}  // namespace dtrain::data
