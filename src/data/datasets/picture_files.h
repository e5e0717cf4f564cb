// The picture files below a folder, and what has no place there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace dtrain::data {

struct PictureFile {
  std::filesystem::path path;  // below the folder that was listed
  int64_t bytes = 0;
};

// What is wrong with a data set's folder beside the content of its files.
struct FolderProblem {
  enum class Kind {
    kRefused,       // links that lead out of the root, nowhere or in a circle; pipes, devices, ...
    kNoClass,       // in no class's folder and with no class in its name
    kUnknownClass,  // a class that the training split does not have
    kEmptyClass,    // a class's folder without a picture: training goes on without it
    kIgnored,       // a file that is no picture by its name: training goes on without it
  };
  Kind kind = Kind::kRefused;
  std::filesystem::path path;
  std::string cause;

  bool stops_training() const { return kind <= Kind::kUnknownClass; }
};

struct PictureList {
  std::vector<PictureFile> files;       // in the order of their paths' bytes
  std::vector<FolderProblem> problems;  // kRefused, kEmptyClass and kIgnored
  // How many files were passed over, by kind: ".txt", "hidden", "without an extension". A hidden
  // folder counts as one.
  std::map<std::string, int64_t> ignored;
};

// Lists image files (by the ends of their names) at any depth below `folder`, which lies in
// `root`. Hidden files are ignored. Nothing is opened, so nothing can hang. Every folder is
// listed once: one that a link leads to a second time is refused, so that neither a circle nor a
// tree of links has the listing go on for ever. Links that lead out of the root are refused unless
// `follow_links` says otherwise.
PictureList list_pictures(const std::filesystem::path& folder,
                          const std::filesystem::path& root,
                          bool follow_links = false);

// "ignored 3 files: 2 .txt, 1 hidden"; empty where there are none. The six most frequent kinds are
// named.
std::string ignored_text(const std::map<std::string, int64_t>& ignored);

// A warning, once in the life of the process, however often a folder is opened.
void warn_once(const std::string& line);

// Of ignored files, where there are any.
void warn_of_ignored(const std::filesystem::path& folder,
                     const std::map<std::string, int64_t>& ignored);

}  // namespace dtrain::data
