// Checks a whole data set: every sample of every split, the unlabelled one too, and the splits
// against each other.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "data/datasets/dataset_registry.h"
#include "data/verify/finding.h"

namespace dtrain::data {

struct SplitReport {
  std::string split;    // train, validation or test
  int64_t samples = 0;  // that could be listed
  int64_t good = 0;     // of these
  int64_t bytes = 0;
  std::vector<std::string> class_names = {};
  std::vector<int64_t> class_samples = {};  // good ones, by class
};

struct VerifyReport {
  std::string dataset;  // its name in the table of data sets
  std::string folder;
  std::vector<SplitReport> splits;    // those that could be opened; the training split first
  std::vector<Finding> findings;      // by split, then errors before warnings before notes
  std::set<std::string> used_splits;  // by a run with these settings

  int64_t count(FindingKind kind, const std::string& split) const;
  int64_t count(Severity severity) const;
  // There is an error in a split that the run trains, evaluates or tests on. Errors elsewhere are
  // those of later commands.
  bool training_would_fail() const;
};

struct VerifyOptions {
  DatasetConfig data;  // its limits are ignored: everything is read
  uint64_t seed = 0;   // of the run, for hold-outs
  int64_t workers = 1;
  std::function<void(const std::string& split, int64_t done, int64_t total)> progress = {};
};

// Goes on behind every problem, so the report has all of them. Throws Error(kConfig) when there is
// no such data set or no folder is given for it.
VerifyReport verify_data(const VerifyOptions& options);

}  // namespace dtrain::data
