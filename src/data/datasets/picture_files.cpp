// Walks through folders without following links out of the data set.
#include "data/datasets/picture_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "image/format.h"
#include "util/log.h"
#include "util/text.h"
#include "util/utf8.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 16;
constexpr size_t kMostIgnoredKinds = 6;  // that a warning names

class Lister {
 public:
  Lister(const fs::path& folder, const fs::path& root, bool follow_links)
      : folder_(folder), follows_links_(follow_links) {
    std::error_code error;
    root_ = fs::canonical(root, error);
    if (error) {
      refuse(root, "cannot be listed: " + error.message());
    } else if (stays_inside(folder_)) {
      list(folder_, 0);
    }
    std::sort(out_.files.begin(), out_.files.end(), [](const auto& a, const auto& b) {
      return a.path.native() < b.path.native();
    });
  }
  PictureList list() && { return std::move(out_); }

 private:
  void add(FolderProblem::Kind kind, const fs::path& path, std::string cause) {
    out_.problems.push_back({kind, path, std::move(cause)});
  }
  void ignore(const std::string& kind, const fs::path& path, std::string cause) {
    add(FolderProblem::Kind::kIgnored, path, std::move(cause));
    ++out_.ignored[kind];
  }
  void refuse(const fs::path& path, std::string cause) {
    add(FolderProblem::Kind::kRefused, path, std::move(cause));
  }

  // Refuses a link that leads nowhere or, unless that is wanted, out of the root.
  bool stays_inside(const fs::path& path) {
    std::error_code error;
    const fs::path target = fs::canonical(path, error);
    if (error) {
      refuse(path, "the link leads nowhere: " + error.message());
      return false;
    }
    const fs::path::iterator root_end =
        std::mismatch(root_.begin(), root_.end(), target.begin(), target.end()).first;
    if (root_end == root_.end() || follows_links_) return true;
    refuse(path,
           "the link leads out of " + root_.string() + ", which data.follow_links=true allows");
    return false;
  }

  void list(const fs::path& folder, int depth) {
    if (depth > kMaxDepth) return refuse(folder, "folders are nested too deeply");
    struct stat status = {};
    if (::stat(folder.c_str(), &status) != 0 ||
        !listed_.insert({status.st_dev, status.st_ino}).second) {
      return refuse(folder, "the link leads back to a folder that is already listed");
    }
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      entries.push_back(*it);
    }
    if (error) return refuse(folder, "cannot be listed: " + error.message());
    // So that the first of several problems is the same one on every host.
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return a.path().native() < b.path().native();
    });
    for (const auto& entry : entries) visit(entry, depth);
  }

  void visit(const fs::directory_entry& entry, int depth) {
    const fs::path& path = entry.path();
    if (path.filename().native().front() == '.') return ignore("hidden", path, "is hidden");
    std::error_code error;
    if (entry.is_symlink(error) && !stays_inside(path)) return;
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) return refuse(path, "cannot be looked at");
    if (S_ISDIR(status.st_mode)) return list_class(path, depth);
    if (!image::has_image_ending(path)) {
      const std::string ending = path.extension().string();
      return ignore(
          ending.empty() ? "without an extension" : ending, path, "is no image by its name");
    }
    if (!S_ISREG(status.st_mode)) return refuse(path, "is not a regular file");
    out_.files.push_back({path.lexically_relative(folder_), static_cast<int64_t>(status.st_size)});
  }

  // A folder; at the top it is a class's.
  void list_class(const fs::path& folder, int depth) {
    const size_t files = out_.files.size(), problems = out_.problems.size();
    list(folder, depth + 1);
    const bool refused =
        std::any_of(out_.problems.begin() + static_cast<std::ptrdiff_t>(problems),
                    out_.problems.end(),
                    [](const FolderProblem& p) { return p.kind == FolderProblem::Kind::kRefused; });
    if (depth == 0 && !refused && out_.files.size() == files) {
      add(FolderProblem::Kind::kEmptyClass, folder, "holds no image");
    }
  }

  fs::path folder_, root_;
  bool follows_links_;
  std::set<std::pair<dev_t, ino_t>> listed_;
  PictureList out_;
};

}  // namespace

PictureList list_pictures(const fs::path& folder, const fs::path& root, bool follow_links) {
  return Lister(folder, root, follow_links).list();
}

std::string ignored_text(const std::map<std::string, int64_t>& ignored) {
  int64_t total = 0;
  std::vector<std::pair<int64_t, std::string>> kinds;
  for (const auto& [kind, count] : ignored) {
    total += count;
    kinds.emplace_back(-count, kind);
  }
  if (total == 0) return "";
  std::sort(kinds.begin(), kinds.end());
  int64_t others = 0;
  while (kinds.size() > kMostIgnoredKinds) {
    others -= kinds.back().first;
    kinds.pop_back();
  }
  if (others > 0) kinds.emplace_back(-others, "other");
  return "ignored " + std::to_string(total) + (total == 1 ? " file: " : " files: ") +
         util::joined(kinds, ", ", [](const auto& kind) {
           return std::to_string(-kind.first) + " " + util::printable(kind.second);
         });
}

void warn_of_ignored(const fs::path& folder, const std::map<std::string, int64_t>& ignored) {
  const std::string text = ignored_text(ignored);
  if (!text.empty()) warn_once(folder.string() + ": " + text);
}

void warn_once(const std::string& line) {
  static std::mutex mutex;
  static std::set<std::string> said;
  const std::lock_guard lock(mutex);
  if (said.insert(line).second) util::log().early_warning(line);
}

}  // namespace dtrain::data
