// Pictures in folders: one folder per class, or classes in the names of files.
//
//   <root>/<split>/<class>/**            any names; classes in the order of their names' bytes
//   <root>/<split>/labeled/<class>/**    food-11 of 2021, whose test pictures are all in the folder
//                                        of one class: they have no labels
//   <root>/<split>/unlabeled/**          of that too: the split `unlabeled`, without classes
//   <root>/<split>/<class>_<rest>        food-11 of 2022; file_label.h has the other ways
//   <root>/<split>/*                     none of them with a class of the training split: no labels
//   <root>/<class>/**, <root>/<class>_*  no folder of a split: all of it is the training split
// split_folders.h has the names of splits.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/datasets/file_label.h"
#include "data/datasets/picture_files.h"

namespace dtrain::data {

struct ImageFolderOptions {
  std::string name;  // for messages: "image_folder/train"
  std::filesystem::path root;
  std::string split = "train";         // train, validation, test or unlabeled
  std::string class_split = "train";   // whose folders name the classes, so that all splits agree
  int64_t limit = 0;                   // so many samples, evenly spread; 0: all
  std::string label_in_name = "auto";  // of flat files: see file_label.h
  bool follow_links = false;           // out of the root, too
  std::string advice;
  // Where given, problems of the split are added here and what has them is left out, instead of
  // the first one being thrown; of an unknown class the first file stands for all.
  std::vector<FolderProblem>* problems = nullptr;
};

// The constructor lists the files (of every split at most once each); pictures are read when they
// are asked for, and decoded by the loader. Samples are in the order of their paths' bytes, the
// same on every host. Throws Error(kData) that names the path for a missing or empty split, a class
// that `class_split` does not have, and what has no place in a data set (FolderProblem).
class ImageFolder : public Dataset {
 public:
  explicit ImageFolder(ImageFolderOptions options);

  const std::string& name() const override { return options_.name; }
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  // Fills `sample.encoded` with the bytes of the file.
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t index) const override { return files_[static_cast<size_t>(index)].target; }
  ImageShape shape() const override { return {0, 0, 3}; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  // Of paths, sizes and classes: reading all pictures would take minutes.
  std::string fingerprint() const override;

  std::string describe(int64_t index) const override;  // with its path
  std::string origin(int64_t index) const override;

  std::filesystem::path path(int64_t index) const override;

 private:
  struct File {
    std::filesystem::path path;  // below the split's folder
    int64_t target = 0;
    int64_t bytes = 0;
  };

  void find_classes(const std::vector<PictureFile>& training);
  std::string class_of(const std::filesystem::path& path) const;
  bool is_class(const std::string& name) const;
  bool has_no_labels(const std::vector<PictureFile>& found) const;
  std::vector<PictureFile> list(const std::filesystem::path& folder) const;
  void report(FolderProblem problem) const;

  ImageFolderOptions options_;
  std::filesystem::path folder_;  // of the split
  std::vector<std::string> class_names_;
  bool classes_are_folders_ = false;
  LabelReading labels_;  // of flat files
  std::vector<File> files_;
};

}  // namespace dtrain::data
