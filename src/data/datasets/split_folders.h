// Where the splits of a folder of images lie: folders below its root.
//
//   train or training; validation, val or valid; test, testing or evaluation; `unlabeled` beside
//   them or below the training split. Names in other letter case count where the exact one is
//   missing. A root without any of them is the training split itself.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dtrain::data {

// Lists each folder once, when it is first needed: a flat one may hold millions of files. Not for
// several threads.
class SplitFolders {
 public:
  explicit SplitFolders(std::filesystem::path root) : root_(std::move(root)) {}

  // The folder of a split, or its labelled part; empty where it is not there.
  std::filesystem::path of(const std::string& split);
  // The splits that have a folder; of a root without any, the training split.
  std::vector<std::string> present();
  // Names of folders that mean this split too and are not used.
  std::vector<std::string> unused_beside(const std::string& split);

  // Where a split is looked for, below the root.
  static std::vector<std::filesystem::path> places_of(const std::string& split);

 private:
  using Names = std::vector<std::string>;  // sorted
  const Names& folders_in(const std::filesystem::path& folder);
  // The folder at `place` below `parent`; empty where there is none.
  std::filesystem::path child(const std::filesystem::path& parent,
                              const std::filesystem::path& place);
  // The first of the places of a split that is there.
  std::filesystem::path own_folder(const std::string& split);

  std::filesystem::path root_;
  std::map<std::filesystem::path, Names> known_;
};

}  // namespace dtrain::data
