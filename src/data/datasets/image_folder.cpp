// Lists pictures below a folder and reads them one at a time.
#include "data/datasets/image_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "util/check.h"
#include "util/hash.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

// Larger than any picture that is trained on; a limit because all of it is read into memory.
constexpr int64_t kMaxFileBytes = 256 << 20;

std::vector<std::string> folders_of(const std::string& split) {
  if (split == "train") return {"train", "training"};
  if (split == "validation") return {"validation", "val", "valid"};
  return {"test", "testing", "evaluation"};
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

bool is_picture(const fs::path& path) {
  static constexpr std::array kEndings = {".jpg", ".jpeg", ".png", ".jpe", ".jfif"};
  const std::string ending = lower(path.extension().string());
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

// "3_17.jpg" -> 3.
std::optional<int64_t> class_in_name(const std::string& name) {
  const size_t digits = name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string::npos || digits > 6 || name[digits] != '_') return {};
  return std::stoll(name.substr(0, digits));
}

struct Found {
  fs::path path;  // below the folder that was listed
  int64_t bytes = 0;
};

// Lists the pictures below a folder.
class Lister {
 public:
  Lister(fs::path folder, const fs::path& root, const ImageFolderOptions& options)
      : folder_(std::move(folder)), root_(fs::canonical(root)), options_(options) {
    list(folder_, 0);
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return a.path.native() < b.path.native();
    });
  }
  const std::vector<Found>& found() const { return found_; }

 private:
  static constexpr int kMaxDepth = 16;  // a link back to a folder above would never end

  Error refused(const fs::path& path, const std::string& cause) const {
    return data_error("data set " + options_.name + ", " + path.string(), cause, options_.advice);
  }

  void list(const fs::path& folder, int depth) {
    if (depth > kMaxDepth) {
      throw refused(folder, "folders are nested too deeply, or a link leads back to one above");
    }
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) visit(entry, depth);
    if (error) throw refused(folder, "cannot be listed: " + error.message());
  }

  void visit(const fs::directory_entry& entry, int depth) {
    const fs::path& path = entry.path();
    if (path.filename().native().front() == '.') return;
    std::error_code error;
    if (entry.is_symlink(error)) {
      const fs::path target = fs::canonical(path, error);
      if (error) throw refused(path, "the link leads nowhere: " + error.message());
      const auto [root_end, ignored] =
          std::mismatch(root_.begin(), root_.end(), target.begin(), target.end());
      if (root_end != root_.end()) throw refused(path, "the link leads out of " + root_.string());
    }
    const fs::file_status status = entry.status(error);
    if (fs::is_directory(status)) return list(path, depth + 1);
    if (!is_picture(path)) return;
    if (!fs::is_regular_file(status)) throw refused(path, "is not a regular file");
    found_.push_back({path.lexically_relative(folder_), static_cast<int64_t>(entry.file_size())});
  }

  fs::path folder_, root_;
  const ImageFolderOptions& options_;
  std::vector<Found> found_;
};

// The folder of a split, or that of its labelled part.
fs::path folder_of(const ImageFolderOptions& options, const std::string& split) {
  std::string tried;
  for (const std::string& name : folders_of(split)) {
    const fs::path folder = options.root / name;
    std::error_code ignored;
    if (fs::is_directory(folder / "labeled", ignored)) return folder / "labeled";
    if (fs::is_directory(folder, ignored)) return folder;
    tried += (tried.empty() ? "" : ", ") + name;
  }
  throw data_error(
      "data set " + options.name,
      "there is no folder for it in " + options.root.string() + " (looked for " + tried + ")",
      options.advice);
}

// Name of the class of a file, by its folder or, for flat files, its number.
std::string class_of(const fs::path& path) {
  if (path.has_parent_path()) return path.begin()->string();
  const auto number = class_in_name(path.string());
  return number ? std::to_string(*number) : "";
}

std::vector<std::string> classes_among(const std::vector<Found>& found) {
  std::vector<std::string> names;  // of folders
  int64_t highest = -1;            // number of flat files
  for (const Found& file : found) {
    if (file.path.has_parent_path()) {
      names.push_back(class_of(file.path));
    } else {
      highest = std::max(highest, class_in_name(file.path.string()).value_or(-1));
    }
  }
  if (names.empty()) {  // numbers, in their own order and without gaps
    for (int64_t k = 0; k <= highest; ++k) names.push_back(std::to_string(k));
    return names;
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

class OpenFile {
 public:
  // Without waiting for somebody to write into what has become a pipe.
  explicit OpenFile(const fs::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  operator int() const { return descriptor_; }

 private:
  int descriptor_;
};

void read_file(const fs::path& path, std::vector<uint8_t>& bytes) {
  const auto failed = [&](int error) {
    return io_error("data file " + path.string(),
                    std::string("cannot be read: ") + std::strerror(error),
                    "check the disk and the permissions");
  };
  const OpenFile file(path);
  if (file < 0) throw failed(errno);
  struct stat status = {};
  if (::fstat(file, &status) != 0) throw failed(errno);
  if (!S_ISREG(status.st_mode) || status.st_size > kMaxFileBytes) {
    throw data_error("data file " + path.string(),
                     S_ISREG(status.st_mode) ? "is larger than 256 MB" : "is not a regular file",
                     "`dtrain verify-data` lists all such files");
  }
  bytes.resize(static_cast<size_t>(status.st_size));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::read(file, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw failed(errno);
    if (got == 0) bytes.resize(done);  // became shorter: decoding will say what is wrong
    done += static_cast<size_t>(got);
  }
  if (bytes.empty()) {
    throw data_error(
        "data file " + path.string(), "is empty", "`dtrain verify-data` lists all such files");
  }
}

}  // namespace

ImageFolder::ImageFolder(ImageFolderOptions options) : options_(std::move(options)) {
  std::error_code ignored;
  if (!fs::is_directory(options_.root, ignored)) {
    throw data_error("data set " + options_.name,
                     "there is no folder " + options_.root.string(),
                     options_.advice);
  }
  folder_ = folder_of(options_, options_.split);
  const std::vector<Found> found = Lister(folder_, options_.root, options_).found();
  class_names_ = classes_among(
      options_.class_split == options_.split
          ? found
          : Lister(folder_of(options_, options_.class_split), options_.root, options_).found());
  const auto count = static_cast<int64_t>(found.size());
  const int64_t kept = options_.limit > 0 ? std::min(options_.limit, count) : count;
  for (int64_t i = 0; i < kept; ++i) {
    const Found& file = found[static_cast<size_t>(i * count / kept)];
    const std::string name = class_of(file.path);
    const auto at = std::find(class_names_.begin(), class_names_.end(), name);
    if (at == class_names_.end()) {
      throw data_error(
          "data set " + options_.name + ", " + (folder_ / file.path).string(),
          name.empty() ? "it lies in no class's folder and its name does not begin with <class>_"
                       : "split " + options_.class_split + " has no class " + name,
          options_.advice);
    }
    files_.push_back({file.path, at - class_names_.begin(), file.bytes});
  }
  if (files_.empty()) {
    throw data_error("data set " + options_.name,
                     "there is no JPEG or PNG below " + folder_.string(),
                     options_.advice);
  }
}

fs::path ImageFolder::path(int64_t index) const {
  return folder_ / files_[static_cast<size_t>(index)].path;
}

std::vector<std::string> ImageFolder::splits(const fs::path& root) {
  std::vector<std::string> found;
  for (const char* split : {"train", "validation", "test"}) {
    const std::vector<std::string> names = folders_of(split);
    std::error_code ignored;
    if (std::any_of(names.begin(), names.end(), [&](const std::string& name) {
          return fs::is_directory(root / name, ignored);
        })) {
      found.push_back(split);
    }
  }
  return found;
}

std::string ImageFolder::describe(int64_t index) const {
  return Dataset::describe(index) + ", " + path(index).string();
}

std::string ImageFolder::origin(int64_t index) const {
  return path(index).lexically_relative(options_.root).string();
}

void ImageFolder::read(int64_t index, Sample& sample) const {
  check(index >= 0 && index < size(), "a sample's index is below the size of its data set");
  read_file(path(index), sample.encoded);
  sample.target = files_[static_cast<size_t>(index)].target;
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
