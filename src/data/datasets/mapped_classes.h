// A data set whose classes are named as a network's, in another order or fewer of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace dtrain::data {

// The samples of `base` with the targets of the classes of the same names in `class_names`, so that
// a network can be scored on a part of its classes.
class MappedClasses : public Dataset {
 public:
  // Throws Error(kConfig) that lists classes of samples which `class_names` lacks, each with its
  // first sample. Classes without a sample need not be there.
  MappedClasses(std::unique_ptr<Dataset> base, std::vector<std::string> class_names);

  const std::string& name() const override { return base_->name(); }
  int64_t size() const override { return base_->size(); }
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t index) const override { return mapped(base_->target(index)); }
  std::string describe(int64_t index) const override { return base_->describe(index); }
  std::filesystem::path path(int64_t index) const override { return base_->path(index); }
  std::string origin(int64_t index) const override { return base_->origin(index); }
  ImageShape shape() const override { return base_->shape(); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  PixelStatistics statistics() const override { return base_->statistics(); }
  // That of the base: its samples are the same.
  std::string fingerprint() const override { return base_->fingerprint(); }
  void start_loading() override { base_->start_loading(); }

 private:
  int64_t mapped(int64_t target) const {
    return target < 0 ? target : targets_[static_cast<size_t>(target)];
  }
  void expect_known() const;

  std::unique_ptr<Dataset> base_;
  std::vector<std::string> class_names_;
  std::vector<int64_t> targets_;  // of the base's classes; kUnlabelled where there is none
};

// Whether both lists name classes by words that can be compared: numbers mean places in a list, and
// those of two lists have nothing to do with each other.
bool are_named(const std::vector<std::string>& classes);

}  // namespace dtrain::data
