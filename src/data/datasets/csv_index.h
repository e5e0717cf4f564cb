// Pictures that a CSV file lists (csv_table.h).
//
//   one file, with a column `split`      its rows of that split
//   one file without                     all of it is the training split
//   a folder                             train.csv and validation.csv, val.csv, test.csv, ...
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/datasets/csv_table.h"

namespace dtrain::data {

struct CsvIndexOptions {
  std::string name;                   // for messages: "csv/train"
  std::filesystem::path path;         // the file, or the folder that holds one for each split
  std::string split = "train";        // train, validation, test or unlabeled
  std::string class_split = "train";  // whose labels are the classes, so that all splits agree
  int64_t limit = 0;                  // so many samples, evenly spread; 0: all
  std::string advice = {};
  CsvOptions csv = {};
  // Those of a network that predicts the samples; empty: found in `class_split`, which then need
  // not be there. A file without a column of splits is all of any split then.
  std::vector<std::string> known_classes = {};
};

// Classes are numbers where all labels of `class_split` are (0 to the highest, without gaps), else
// names in the order of their bytes. A row without a label is an unlabelled sample, and so is every
// row of split `unlabeled`. Samples are in the order of the rows.
//
// The constructor reads the CSV and looks every picture up; pictures are read when they are asked
// for, and decoded by the loader. Throws Error(kData) that lists what is wrong by line: malformed
// CSV, labels that are no class, files that are missing, and paths and links that lead out of the
// CSV's folder. Absolute paths, where they are allowed, and links there may lead anywhere.
class CsvIndex : public Dataset {
 public:
  explicit CsvIndex(CsvIndexOptions options);

  const std::string& name() const override { return options_.name; }
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  // Fills `sample.encoded` with the bytes of the file.
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t index) const override { return files_[static_cast<size_t>(index)].target; }
  ImageShape shape() const override { return {0, 0, 3}; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  // Of paths, sizes and targets: reading all pictures would take minutes.
  std::string fingerprint() const override;

  std::string describe(int64_t index) const override;  // with its path

  std::string origin(int64_t index) const override;  // as the CSV has it

  std::filesystem::path path(int64_t index) const override;
  // The splits that a CSV file or a folder of them has. Throws Error(kData) for malformed CSV.
  static std::vector<std::string> splits(const std::filesystem::path& path,
                                         const CsvOptions& csv = {});

 private:
  struct File {
    std::string path;  // below the CSV's folder
    int64_t target = 0;
    int64_t bytes = 0;
  };

  CsvIndexOptions options_;
  std::filesystem::path folder_;  // of the CSV
  std::vector<std::string> class_names_;
  std::vector<File> files_;
};

}  // namespace dtrain::data
