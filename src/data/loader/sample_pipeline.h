// From an index to the images of a sample in a batch: read, frame, augment, collate. What a worker
// of the loader does, without any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>

#include "data/dataset.h"
#include "data/sample.h"
#include "data/transforms/view.h"

namespace dtrain::data {

// What happens when a sample cannot be read or decoded (Error of kind kData).
struct BadSamplePolicy {
  bool replace = false;  // else the error is thrown
  int64_t quota = 100;   // so many different bad samples are replaced before it is thrown after all
};

// Note [Replacement of bad samples]
// A bad sample is replaced by one drawn with a generator that is keyed by the bad one's index and
// the seed: in every epoch and on any number of ranks by the same. The replacement comes with its
// own target and id. Each bad sample is logged once, with its name.
// Nothing is remembered of it: a picture whose file is cut short is bad where the random part needs
// what is missing, and good elsewhere, for every rank and also after a resume.
class SamplePipeline {
 public:
  // What a worker keeps between samples.
  struct Scratch {
    Sample sample;
    FramingScratch framing;
    Image framed, image, spare;
  };

  // Without views, images are taken as they are. Throws Error(kConfig) when images differ in size
  // and a view does not bring them to one, or when views end in different sizes.
  SamplePipeline(const Dataset& dataset, Views views, uint64_t seed, BadSamplePolicy policy);
  ~SamplePipeline();

  const ImageShape& shape() const { return shape_; }  // of every view
  int64_t views() const { return static_cast<int64_t>(views_.size()); }

  // Puts sample `index`, as it looks in `epoch`, at `position` of `batch`. Safe to call from many
  // threads at once, each with a scratch and positions of its own. Errors name the sample.
  void make(int64_t index, int64_t epoch, int64_t position, HostBatch& batch, Scratch& scratch);

  // Indices of the samples that were replaced so far, by this process.
  std::set<int64_t> replaced() const;

 private:
  void render(int64_t index, int64_t epoch, int64_t position, HostBatch& batch, Scratch& scratch);
  bool reuses_framing(size_t view) const;

  const Dataset& dataset_;
  const Views views_;
  const uint64_t seed_;
  const BadSamplePolicy policy_;
  ImageShape shape_;
  struct Replaced;
  std::unique_ptr<Replaced> replaced_;
};

}  // namespace dtrain::data
