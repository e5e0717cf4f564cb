// Pictures without a class that a person names on the command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace dtrain::data {

// Image files, in the order given; of a folder all images at any depth below it, by the order of
// their paths' bytes, with a warning of what is ignored there. `channels` is what the network
// wants: 1 or 3. Throws Error(kData) for what is not there, and for folders without pictures.
class NamedPictures : public Dataset {
 public:
  NamedPictures(const std::vector<std::string>& paths,
                int64_t channels,
                std::vector<std::string> class_names,
                bool follow_links = false);

  const std::string& name() const override { return name_; }
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  void read(int64_t index, Sample& sample) const override;
  int64_t target(int64_t) const override { return kUnlabelled; }
  std::string describe(int64_t index) const override { return origin(index); }
  std::filesystem::path path(int64_t index) const override { return origin(index); }
  std::string origin(int64_t index) const override { return files_[static_cast<size_t>(index)]; }
  ImageShape shape() const override { return {0, 0, channels_}; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  // Of the files' names below what was given, and of their sizes.
  std::string fingerprint() const override;

 private:
  std::string name_ = "pictures";
  std::vector<std::string> files_, names_;  // names_: of a folder's files, below it
  int64_t channels_;
  std::vector<std::string> class_names_;
};

}  // namespace dtrain::data
