// Some of the samples of another data set.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace dtrain::data {

// The samples `indices` of `base`, which several subsets may share, so that its content is in
// memory once. A sample keeps its id, and so its random draws, whichever part of the base it is in;
// messages name it as the base does.
//
//   auto base = std::shared_ptr<Dataset>(open_dataset(config, Split::kTrain));
//   const HoldoutSplit split = stratified_split(targets_of(*base), 0.1, seed);
//   Subset train(base, base->name(), split.train);
//   Subset eval(base, base->name() + ", held out", split.held_out);
class Subset : public Dataset {
 public:
  // `indices` ascend, each of them once.
  Subset(std::shared_ptr<Dataset> base, std::string name, std::vector<int64_t> indices);

  const std::string& name() const override { return name_; }
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  void read(int64_t index, Sample& sample) const override { base_->read(at(index), sample); }
  int64_t target(int64_t index) const override { return base_->target(at(index)); }
  std::string describe(int64_t index) const override { return base_->describe(at(index)); }
  std::filesystem::path path(int64_t index) const override { return base_->path(at(index)); }
  std::string origin(int64_t index) const override { return base_->origin(at(index)); }
  ImageShape shape() const override { return base_->shape(); }
  PixelStatistics statistics() const override { return base_->statistics(); }
  const std::vector<std::string>& class_names() const override { return base_->class_names(); }
  // Of the base's content and of which samples these are.
  std::string fingerprint() const override;
  void start_loading() override { base_->start_loading(); }

 private:
  int64_t at(int64_t index) const;

  std::shared_ptr<Dataset> base_;
  std::string name_;
  std::vector<int64_t> indices_;
};

// The targets of all samples, in order.
std::vector<int64_t> targets_of(const Dataset& dataset);
// The labelled samples of each class, and of all.
std::vector<int64_t> class_sizes(const Dataset& dataset);
int64_t labelled_samples(const Dataset& dataset);

}  // namespace dtrain::data
