#include "data/datasets/split_folders.h"

#include <algorithm>

#include "data/split_names.h"
#include "util/text.h"

namespace dtrain::data {

namespace fs = std::filesystem;

std::vector<fs::path> SplitFolders::places_of(const std::string& split) {
  std::vector<fs::path> places;
  for (const std::string& name : split_names(split)) {
    if (split == kUnlabelledSplit) {
      for (const std::string& train : split_names("train")) {
        places.push_back(fs::path(train) / name);
      }
    }
    places.push_back(name);
  }
  return places;
}

const SplitFolders::Names& SplitFolders::folders_in(const fs::path& folder) {
  const auto [at, is_new] = known_.try_emplace(folder);
  if (!is_new) return at->second;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) at->second.push_back(it->path().filename().string());
  }
  std::sort(at->second.begin(), at->second.end());
  return at->second;
}

fs::path SplitFolders::child(const fs::path& parent, const fs::path& place) {
  fs::path found = parent;
  for (const fs::path& part : place) {
    const Names& names = folders_in(found);
    auto name = std::find(names.begin(), names.end(), part.string());
    if (name == names.end()) {
      const std::string wanted = util::lower_case(part.string());
      name = std::find_if(names.begin(), names.end(), [&](const std::string& one) {
        return util::lower_case(one) == wanted;
      });
    }
    if (name == names.end()) return {};
    found /= *name;
  }
  return found;
}

fs::path SplitFolders::own_folder(const std::string& split) {
  for (const fs::path& place : places_of(split)) {
    if (fs::path folder = child(root_, place); !folder.empty()) return folder;
  }
  return {};
}

std::vector<std::string> SplitFolders::present() {
  std::vector<std::string> found;
  for (const std::string& split : kAllSplits) {
    if (!own_folder(split).empty()) found.push_back(split);
  }
  if (found.empty()) found.push_back("train");
  return found;
}

fs::path SplitFolders::of(const std::string& split) {
  const fs::path folder = own_folder(split);
  if (!folder.empty()) {
    const fs::path labelled = child(folder, "labeled");
    return labelled.empty() ? folder : labelled;
  }
  std::error_code ignored;
  const bool is_whole = split == "train" && fs::is_directory(root_, ignored) &&
                        present() == std::vector<std::string>{"train"};
  return is_whole ? root_ : fs::path();
}

std::vector<std::string> SplitFolders::unused_beside(const std::string& split) {
  const fs::path taken = own_folder(split);
  if (taken.empty() || !child(taken, "labeled").empty()) return {};
  const fs::path own = taken.lexically_relative(root_);
  if (own.has_parent_path()) return {};  // of several, `unlabeled` below the training split
  const std::vector<std::string> names = split_names(split);
  Names others;
  for (const std::string& folder : folders_in(root_)) {
    const bool is_same_split =
        std::find(names.begin(), names.end(), util::lower_case(folder)) != names.end();
    if (is_same_split && folder != own.string()) others.push_back(folder);
  }
  return others;
}

}  // namespace dtrain::data
