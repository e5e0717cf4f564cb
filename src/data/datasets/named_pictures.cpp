#include "data/datasets/named_pictures.h"

#include <utility>

#include "data/datasets/picture_files.h"
#include "data/datasets/read_picture.h"
#include "util/check.h"
#include "util/hash.h"

namespace dtrain::data {

namespace fs = std::filesystem;

NamedPictures::NamedPictures(const std::vector<std::string>& paths,
                             int64_t channels,
                             std::vector<std::string> class_names,
                             bool follow_links)
    : channels_(channels), class_names_(std::move(class_names)) {
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      if (!fs::exists(path, error)) {
        throw data_error(path, "there is no such file or folder", "name a picture or a folder");
      }
      files_.push_back(path);
      names_.push_back(fs::path(path).filename().string());
      continue;
    }
    const fs::path root = fs::canonical(path);
    const PictureList listed = list_pictures(root, root, follow_links);
    for (const FolderProblem& problem : listed.problems) {
      if (!problem.stops_training()) continue;
      throw data_error(problem.path.string(), problem.cause, "or remove it");
    }
    warn_of_ignored(path, listed.ignored);
    const std::vector<PictureFile>& found = listed.files;
    if (found.empty()) {
      throw data_error(path, "there are no images below it", "name another folder");
    }
    for (const PictureFile& file : found) {
      files_.push_back((fs::path(path) / file.path).string());
      names_.push_back(file.path.string());
    }
  }
}

void NamedPictures::read(int64_t index, Sample& sample) const {
  read_picture(path(index), sample.encoded);
  sample.target = kUnlabelled;
  sample.id = index;
}

std::string NamedPictures::fingerprint() const {
  util::Hasher hasher;
  for (size_t i = 0; i < files_.size(); ++i) {
    std::error_code error;
    hasher.update(names_[i] + '\0' + std::to_string(fs::file_size(files_[i], error)) + '\n');
  }
  return hasher.hex();
}

}  // namespace dtrain::data
