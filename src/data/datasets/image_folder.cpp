// Lists pictures below a folder and reads them one at a time.
#include "data/datasets/image_folder.h"

#include <algorithm>
#include <map>
#include <utility>

#include "data/datasets/read_picture.h"
#include "data/datasets/split_folders.h"
#include "data/split_names.h"
#include "util/check.h"
#include "util/hash.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

fs::path require_folder(SplitFolders& folders,
                        const ImageFolderOptions& options,
                        const std::string& split) {
  const fs::path folder = folders.of(split);
  if (!folder.empty()) return folder;
  const std::string places = util::joined(
      SplitFolders::places_of(split), ", ", [](const fs::path& place) { return place.string(); });
  throw data_error(
      "data set " + options.name,
      "there is no folder for it in " + options.root.string() + " (looked for " + places + ")",
      options.advice);
}

// The folders that are classes, in the order of their names' bytes.
std::vector<std::string> class_folders(const std::vector<PictureFile>& found) {
  std::vector<std::string> names;
  for (const PictureFile& file : found) {
    if (file.path.has_parent_path()) names.push_back(file.path.begin()->string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// food-11 of 2021: the training split has a labelled part, and another split stands in one folder,
// whose name says nothing.
bool hides_labels(const ImageFolderOptions& options,
                  const fs::path& class_folder,
                  const std::vector<PictureFile>& found) {
  return options.split != options.class_split && class_folder.filename() == "labeled" &&
         class_folders(found).size() == 1;
}

}  // namespace

ImageFolder::ImageFolder(ImageFolderOptions options) : options_(std::move(options)) {
  std::error_code ignored;
  if (!fs::is_directory(options_.root, ignored)) {
    throw data_error("data set " + options_.name,
                     "there is no folder " + options_.root.string(),
                     options_.advice);
  }
  SplitFolders folders(options_.root);
  folder_ = require_folder(folders, options_, options_.split);
  for (const std::string& other : folders.unused_beside(options_.split)) {
    warn_once((options_.root / other).string() + " is not used: " +
              folder_.lexically_relative(options_.root).string() + " is the same split");
  }
  const std::vector<PictureFile> found = list(folder_);
  const fs::path class_folder = require_folder(folders, options_, options_.class_split);
  find_classes(options_.class_split == options_.split ? found : list(class_folder));
  const bool unlabelled = options_.split == kUnlabelledSplit || has_no_labels(found) ||
                          (class_names_.size() > 1 && hides_labels(options_, class_folder, found));
  const auto count = static_cast<int64_t>(found.size());
  const int64_t kept = options_.limit > 0 ? std::min(options_.limit, count) : count;
  std::map<std::string, std::vector<fs::path>> unknown;  // files by class
  std::vector<fs::path> without_class;
  for (int64_t i = 0; i < kept; ++i) {
    const PictureFile& file = found[static_cast<size_t>(i * count / kept)];
    if (unlabelled) {
      files_.push_back({file.path, kUnlabelled, file.bytes});
      continue;
    }
    const std::string name = class_of(file.path);
    const auto at = std::find(class_names_.begin(), class_names_.end(), name);
    if (at != class_names_.end()) {
      files_.push_back({file.path, at - class_names_.begin(), file.bytes});
    } else if (name.empty()) {
      without_class.push_back(folder_ / file.path);
    } else {
      unknown[name].push_back(folder_ / file.path);
    }
  }
  for (const fs::path& path : without_class) {
    report({FolderProblem::Kind::kNoClass,
            path,
            "it lies in no class's folder and its name holds no class, like " +
                std::to_string(without_class.size() - 1) + " others of " + std::to_string(kept)});
  }
  for (const auto& [name, files] : unknown) {
    report({FolderProblem::Kind::kUnknownClass,
            files[0],
            "split " + options_.class_split + " has no class " + name + ", of which there are " +
                std::to_string(files.size()) + " here"});
  }
  if (files_.empty()) {
    const std::string looked = folder_ == options_.root
                                   ? ", nor a folder " + util::joined(split_names("train"), " or ")
                                   : "";
    throw data_error("data set " + options_.name,
                     "there is no image below " + folder_.string() + looked,
                     options_.advice);
  }
}

void ImageFolder::find_classes(const std::vector<PictureFile>& training) {
  class_names_ = class_folders(training);
  classes_are_folders_ = !class_names_.empty();
  if (classes_are_folders_) return;
  std::vector<std::string> names;
  for (const PictureFile& file : training) names.push_back(file.path.string());
  labels_ = read_labels(names, options_.label_in_name);
  class_names_ = labels_.classes;
}

bool ImageFolder::is_class(const std::string& name) const {
  return std::find(class_names_.begin(), class_names_.end(), name) != class_names_.end();
}

// Flat images of another split than that of training, none of which names a class.
bool ImageFolder::has_no_labels(const std::vector<PictureFile>& found) const {
  return options_.split != options_.class_split &&
         std::none_of(found.begin(), found.end(), [&](const PictureFile& file) {
           return file.path.has_parent_path() || is_class(class_of(file.path));
         });
}

// Of a file below a split's folder; empty where it has none.
std::string ImageFolder::class_of(const fs::path& path) const {
  if (path.has_parent_path()) return path.begin()->string();
  return classes_are_folders_ ? "" : labels_.class_of(path.string());
}

std::vector<PictureFile> ImageFolder::list(const fs::path& folder) const {
  PictureList listed = list_pictures(folder, options_.root, options_.follow_links);
  const bool own = folder == folder_;  // another split's problems are its own
  if (own && options_.problems == nullptr) warn_of_ignored(folder, listed.ignored);
  for (FolderProblem& problem : listed.problems) {
    if (own || options_.problems == nullptr) report(std::move(problem));
  }
  return std::move(listed.files);
}

void ImageFolder::report(FolderProblem problem) const {
  if (options_.problems != nullptr) {
    options_.problems->push_back(std::move(problem));
  } else if (problem.kind == FolderProblem::Kind::kEmptyClass) {
    warn_once(problem.path.string() + " holds no image: there is no such class");
  } else if (problem.stops_training()) {
    using Kind = FolderProblem::Kind;
    const std::string advice =
        problem.kind == Kind::kNoClass        ? "move it into the folder of its class, or remove it"
        : problem.kind == Kind::kUnknownClass ? "rename the class, or remove it"
                                              : options_.advice;
    throw data_error(
        "data set " + options_.name + ", " + problem.path.string(), problem.cause, advice);
  }
}

fs::path ImageFolder::path(int64_t index) const {
  return folder_ / files_[static_cast<size_t>(index)].path;
}

std::string ImageFolder::describe(int64_t index) const {
  return Dataset::describe(index) + ", " + path(index).string();
}

std::string ImageFolder::origin(int64_t index) const {
  return path(index).lexically_relative(options_.root).string();
}

void ImageFolder::read(int64_t index, Sample& sample) const {
  check(index >= 0 && index < size(), "a sample's index is below the size of its data set");
  read_picture(path(index), sample.encoded);
  sample.target = target(index);
  sample.id = index;
}

std::string ImageFolder::fingerprint() const {
  util::Hasher hasher;
  for (const File& file : files_) {
    const std::string& path = file.path.native();
    const int64_t numbers[] = {static_cast<int64_t>(path.size()), file.target, file.bytes};
    hasher.update(numbers, sizeof numbers);
    hasher.update(path.data(), path.size());
  }
  return hasher.hex();
}

}  // namespace dtrain::data
