// A data set: a fixed number of samples, each reached by its position, in any order, from any
// thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/sample.h"

namespace dtrain::data {

// Of pixels in [0, 1], one value per channel or one for all.
struct PixelStatistics {
  std::vector<double> mean, std;

  bool empty() const { return mean.empty(); }
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  // Name for messages and logs, for example "fashion_mnist/train".
  virtual const std::string& name() const = 0;

  virtual int64_t size() const = 0;

  // Fills `sample` (reusing its memory) with item `index`, 0 <= index < size(). Safe to call from
  // many threads at once, each with a sample of its own. Throws Error(kData) for a sample that
  // cannot be read.
  virtual void read(int64_t index, Sample& sample) const = 0;

  // Class of item `index`, kUnlabelled where it has none: what read() gives as the target, without
  // reading any pixels. Safe to call from many threads at once.
  virtual int64_t target(int64_t index) const = 0;

  // Which sample that is, for messages: "sample 7 of fashion_mnist/train".
  virtual std::string describe(int64_t index) const {
    return "sample " + std::to_string(index) + " of " + name();
  }

  // The file that holds that sample and no other; empty where there is none.
  virtual std::filesystem::path path(int64_t /*index*/) const { return {}; }
  // Where that sample comes from, the same on every host: its path below the data set's folder.
  // Empty where samples are no files.
  virtual std::string origin(int64_t) const { return ""; }

  // Shape that every image has; zero height when they differ, so that they have to be brought to
  // one size (framing.h).
  virtual ImageShape shape() const = 0;

  // One name per class; a target is an index into this list, or kUnlabelled.
  virtual const std::vector<std::string>& class_names() const = 0;
  int64_t num_classes() const { return static_cast<int64_t>(class_names().size()); }

  // What its pixels are normalised with, where the data set itself knows; empty: what its row in
  // the table of data sets says.
  virtual PixelStatistics statistics() const { return {}; }

  // Hash of the content (pixels, targets, shape): equal for equal data, wherever and however
  // stored. Loads the data when that has not happened yet, so it also finds files that are damaged.
  virtual std::string fingerprint() const = 0;

  // Starts to load the content on a thread in the background and returns at once. Without it the
  // first read() loads. A failure is thrown by every read() and fingerprint() that follows. Calling
  // it again does nothing.
  virtual void start_loading() {}
};

}  // namespace dtrain::data
