// Checkpoints as folders on disk.
#include "checkpoint/checkpoint_folder.h"

#include <fcntl.h>
#include <stdio.h>  // renameat2

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "util/atomic_file.h"
#include "util/check.h"
#include "util/folder_link.h"
#include "util/hash.h"
#include "util/text.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;
using config::Json;

constexpr char kFormat[] = "dtrain-checkpoint";
constexpr char kManifest[] = "manifest.json";
constexpr char kStepPrefix[] = "step-";
constexpr char kTemporaryPrefix[] = ".tmp-";
constexpr char kAsidePrefix[] = "aside-";
constexpr char kCheckpointAdvice[] =
    "use another checkpoint of the run (--resume <run folder>/checkpoints/step-...)";
constexpr size_t kMaxManifest = size_t{16} << 20;

[[noreturn]] void refuse(const fs::path& file, const std::string& cause) {
  throw io_error(file.string(), cause, kCheckpointAdvice);
}

// --- manifest
// -------------------------------------------------------------------------------------

// Note [The manifest's own checksum]
// It covers the bytes of the file with these digits as zeros, so any change of the text is noticed
// and a reader in any language can check it without an agreed way to print JSON.
const std::string kNoHash(util::kHashHexLength, '0');
constexpr char kHashKey[] = "\"xxh3_128\": \"";

std::string manifest_text(const Position& position,
                          const std::vector<FileRecord>& files,
                          const Json& meta) {
  Json root = Json::object();
  root["format"] = kFormat;
  root["version"] = kCheckpointVersion;
  root["xxh3_128"] = kNoHash;
  root["step"] = position.step;
  root["epoch"] = position.epoch;
  root["batch"] = position.batch;
  root["files"] = Json::object();
  for (const FileRecord& file : files) {
    root["files"][file.name] = {{"size", file.size}, {"xxh3_128", file.hash}};
  }
  root["meta"] = meta;
  // A name that is not UTF-8 must not cost the checkpoint.
  std::string text = root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  const size_t at = text.find(kHashKey) + sizeof kHashKey - 1;
  return text.replace(at, kNoHash.size(), util::hash_hex(text));
}

void check_own_hash(const fs::path& path, const std::string& text) {
  const size_t key = text.find(kHashKey);
  const size_t at = key == std::string::npos ? key : key + sizeof kHashKey - 1;
  if (at == std::string::npos || at + kNoHash.size() > text.size()) {
    refuse(path, "has no checksum of its own");
  }
  std::string blank = text;
  blank.replace(at, kNoHash.size(), kNoHash);
  if (text.compare(at, kNoHash.size(), util::hash_hex(blank)) != 0) {
    refuse(path, "checksum does not match: the file was changed or damaged");
  }
}

const Json& member(const Json& object, const char* key, const fs::path& path) {
  auto found = object.find(key);
  if (found == object.end()) refuse(path, "has no " + util::quoted(key));
  return *found;
}

int64_t count_of(const Json& object, const char* key, const fs::path& path) {
  const Json& value = member(object, key, path);
  if (!value.is_number_integer() || value.get<int64_t>() < 0) {
    refuse(path, util::quoted(key) + " is not a count");
  }
  return value.get<int64_t>();
}

std::string text_of(const Json& object, const char* key, const fs::path& path) {
  const Json& value = member(object, key, path);
  if (!value.is_string()) refuse(path, util::quoted(key) + " is not a text");
  return value.get<std::string>();
}

// A name in this very folder: nothing that leads elsewhere.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

void check_regular(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(file, error);
  if (!fs::exists(status)) refuse(file, "missing");
  if (fs::is_symlink(status)) refuse(file, "is a link; checkpoints hold their files themselves");
  if (!fs::is_regular_file(status)) refuse(file, "not a regular file");
}

Manifest parse_manifest(const fs::path& path, const std::string& text) {
  const config::JsonLimits limits{
      .max_bytes = kMaxManifest, .max_depth = 32, .code = ExitCode::kIo};
  const Json root = config::parse_json(text, path.string(), limits).root;
  if (!root.is_object() || root.value("format", Json()) != kFormat) {
    refuse(path, std::string("its format is not ") + kFormat);
  }
  Manifest manifest;
  manifest.version = count_of(root, "version", path);
  if (manifest.version > kCheckpointVersion) {
    throw io_error(path.string(),
                   "has format version " + std::to_string(manifest.version) +
                       ", this program knows up to " + std::to_string(kCheckpointVersion),
                   "use a newer dtrain");
  }
  if (manifest.version < 1) refuse(path, "has format version 0, which never was");
  manifest.position = {
      count_of(root, "step", path), count_of(root, "epoch", path), count_of(root, "batch", path)};
  const Json& files = member(root, "files", path);
  if (!files.is_object()) refuse(path, "\"files\" is not an object");
  for (const auto& [name, value] : files.items()) {
    if (!is_plain_name(name)) refuse(path, "names a file outside its folder: " + Json(name).dump());
    if (!value.is_object()) refuse(path, "\"files\" holds something else than files");
    manifest.files.push_back(
        {name, count_of(value, "size", path), text_of(value, "xxh3_128", path)});
  }
  manifest.meta = member(root, "meta", path);
  return manifest;
}

// --- folders
// --------------------------------------------------------------------------------------

std::optional<int64_t> step_of(const std::string& name) {
  const size_t prefix = sizeof kStepPrefix - 1;
  if (name.rfind(kStepPrefix, 0) != 0 || name.size() < prefix + 8 || name.size() > prefix + 18) {
    return std::nullopt;
  }
  const std::string digits = name.substr(prefix);
  if (!util::is_digits(digits)) return std::nullopt;
  return std::stoll(digits);
}

// Replaces `to` by `from` even if both are folders with content; what was there ends up under
// `from`.
void exchange(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return;
  // A file system that cannot exchange, whatever it says about it: between these two renames the
  // checkpoint has no name. give_names_back() mends that after a kill.
  const fs::path aside =
      util::temporary_beside(to.parent_path() / (kAsidePrefix + to.filename().string()));
  util::rename_path(to, aside);
  try {
    util::rename_path(from, to);
  } catch (...) {
    util::rename_path(aside, to);
    throw;
  }
  util::rename_path(aside, from);
}

// A folder that disappears unless it was given its final name.
class Staging {
 public:
  explicit Staging(const fs::path& target) : path_(util::temporary_beside(target)) {
    std::error_code error;
    if (!fs::create_directory(path_, error)) {
      throw util::file_error("cannot create folder", path_, error ? error.value() : EEXIST);
    }
  }
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const fs::path& path() const { return path_; }

  // After an exchange the old checkpoint lies here, and goes with the destructor.
  void move_to(const fs::path& target) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(target, error))) {
      exchange(path_, target);
    } else {
      util::rename_path(path_, target);
    }
  }

 private:
  fs::path path_;
};

// Where a file stands for the folder; messages name links as the user does.
fs::path followed_or_named(const fs::path& named) {
  std::error_code error;
  return fs::is_directory(named, error) ? named : util::followed(named);
}

// Under a temporary name first: a checkpoint half removed must not look like one.
void remove_checkpoint(const fs::path& path) {
  const fs::path aside = util::temporary_beside(path);
  util::rename_path(path, aside);
  std::error_code error;
  fs::remove_all(aside, error);
  if (error) throw util::file_error("cannot remove", aside, error.value());
}

}  // namespace

std::string checkpoint_name(int64_t step) {
  std::string digits = std::to_string(step);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return kStepPrefix + digits;
}

Manifest read_manifest(const fs::path& named) {
  const fs::path checkpoint = followed_or_named(named);
  const fs::path path = checkpoint / kManifest;
  std::error_code error;
  if (!fs::is_directory(checkpoint, error)) {
    throw io_error(checkpoint.string(),
                   fs::is_symlink(fs::symlink_status(checkpoint, error)) ? "the link leads nowhere"
                                                                         : "no such checkpoint",
                   "check the path: a checkpoint is a folder that holds manifest.json");
  }
  check_regular(path);
  const std::string text = util::read_file(path, kMaxManifest);
  // The format comes first: of a file that is none of ours, a wrong checksum is not the news.
  if (text.find(kFormat) == std::string::npos) {
    refuse(path, std::string("its format is not ") + kFormat);
  }
  check_own_hash(path, text);
  Manifest manifest = parse_manifest(path, text);
  for (const FileRecord& file : manifest.files) {
    check_regular(checkpoint / file.name);
    const auto size = static_cast<int64_t>(fs::file_size(checkpoint / file.name));
    if (size != file.size) {
      refuse(
          checkpoint / file.name,
          "has " + std::to_string(size) + " bytes, was written with " + std::to_string(file.size));
    }
  }
  return manifest;
}

Manifest verify_checkpoint(const fs::path& named) {
  const fs::path checkpoint = followed_or_named(named);
  Manifest manifest = read_manifest(checkpoint);
  for (const FileRecord& file : manifest.files) {
    if (util::hash_file_hex(checkpoint / file.name) != file.hash) {
      refuse(checkpoint / file.name, "checksum does not match: the file was changed or damaged");
    }
  }
  return manifest;
}

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::optional<int64_t> step = step_of(at->path().filename().string());
    if (step && fs::is_directory(at->symlink_status(error))) found.emplace_back(*step, at->path());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

void give_names_back(const fs::path& folder, std::chrono::seconds at_work) {
  const std::string prefix = std::string(kTemporaryPrefix) + kAsidePrefix;
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().starts_with(prefix)) found.push_back(at->path());
  }
  for (const fs::path& path : found) {
    const auto changed = fs::last_write_time(path, error);
    if (error || fs::file_time_type::clock::now() - changed < at_work) continue;
    const std::string rest = path.filename().string().substr(prefix.size());
    const std::string name = rest.substr(0, rest.find('-', sizeof kStepPrefix - 1));
    if (!step_of(name) || fs::exists(fs::symlink_status(folder / name, error))) continue;
    fs::rename(path, folder / name, error);  // if it cannot be had back, the others are there
  }
}

CheckpointStore::CheckpointStore(fs::path folder, const CheckpointConfig& config)
    : folder_(std::move(folder)), config_(config) {
  util::make_folders(folder_);
  give_names_back(folder_);
  std::error_code error;
  std::vector<fs::path> stale;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().rfind(kTemporaryPrefix, 0) == 0) stale.push_back(at->path());
  }
  if (error) throw util::file_error("cannot read folder", folder_, error.value());
  for (const fs::path& path : stale) {
    fs::remove_all(path, error);
    if (error) throw util::file_error("cannot remove", path, error.value());
  }
}

CheckpointStore::Saved CheckpointStore::save(
    const Position& position,
    const Json& meta,
    bool is_best,
    const std::function<std::vector<FileRecord>(const fs::path&)>& write_files) {
  const std::string name = checkpoint_name(position.step);
  const fs::path target = folder_ / name;
  {
    Staging staging(target);
    const std::vector<FileRecord> files = write_files(staging.path());
    util::write_file_atomic(staging.path() / kManifest, manifest_text(position, files, meta));
    util::sync_folder(staging.path());
    // Saved before its evaluation already, this step has the same weights now. Were `best` moved
    // only after the exchange, a kill in between would leave a `last` that is evaluated, so that no
    // resume comes by here again, and an older `best`.
    if (is_best && config_.keep_best && fs::exists(target)) {
      util::point_to_folder(folder_ / "best", name);
    }
    staging.move_to(target);
    util::sync_folder(folder_);
  }
  // A resume goes on from `last`, which is therefore moved after `best`.
  if (is_best && config_.keep_best) util::point_to_folder(folder_ / "best", name);
  util::point_to_folder(folder_ / "last", name);
  Saved saved{target, {}};
  remove_old(position.step, saved.warnings);
  return saved;
}

bool CheckpointStore::is_kept_for_ever(const fs::path& checkpoint) const {
  if (config_.keep_every_epochs == 0) return false;
  try {
    const Position position = read_manifest(checkpoint).position;
    return position.batch == 0 && position.epoch % config_.keep_every_epochs == 0;
  } catch (const Error&) {
    return false;  // damaged, so of no use
  }
}

void CheckpointStore::remove_old(int64_t newest_step, std::vector<std::string>& warnings) const {
  const std::set<std::string> linked = {util::pointed_name(folder_ / "last"),
                                        util::pointed_name(folder_ / "best")};
  int64_t kept = 0;
  for (const fs::path& path : list_checkpoints(folder_)) {
    const std::string name = path.filename().string();
    const bool is_of_this_branch = *step_of(name) <= newest_step;
    if (is_of_this_branch && kept++ < config_.keep_last) continue;
    if (linked.count(name) > 0 || (is_of_this_branch && is_kept_for_ever(path))) continue;
    try {
      remove_checkpoint(path);
    } catch (const Error& error) {
      warnings.push_back(error.what());
    }
  }
}

}  // namespace dtrain::checkpoint
