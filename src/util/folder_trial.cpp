#include "util/folder_trial.h"

#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <sys/file.h>
#include <unistd.h>

#include "util/atomic_file.h"

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;

bool can_lock(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return false;
  const bool can = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  ::close(fd);
  return can;
}

bool can_sync(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool can = ::fsync(fd) == 0;
  ::close(fd);
  return can;
}

struct TrialFolder {
  explicit TrialFolder(const fs::path& folder) : path(temporary_beside(folder / "trial")) {
    make_folders(path);
  }
  ~TrialFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;
  const fs::path path;
};

}  // namespace

FolderAbilities try_folder(const fs::path& folder) {
  const TrialFolder trial(folder);
  const fs::path a = trial.path / "a", b = trial.path / "b", file = trial.path / "file";
  make_folders(a);
  write_file_atomic(file, "1");
  write_file_atomic(file, "2");
  write_file_atomic(a / "content", "a");
  rename_path(a, b);
  make_folders(a);
  FolderAbilities abilities;
  std::error_code error;
  fs::create_directory_symlink("a", trial.path / "link", error);
  abilities.links = !error && fs::is_directory(trial.path / "link", error);
  abilities.locks = can_lock(trial.path, O_RDONLY | O_DIRECTORY) || can_lock(file, O_RDWR);
  abilities.exchange = ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
  abilities.sync = can_sync(trial.path);
  return abilities;
}

std::string missing_abilities(const FolderAbilities& abilities) {
  std::string text;
  const auto add = [&](bool has, const char* what) {
    if (!has) text += (text.empty() ? "no " : ", no ") + std::string(what);
  };
  add(abilities.links, "symbolic links");
  add(abilities.locks, "locks");
  add(abilities.exchange, "exchange of folders");
  add(abilities.sync, "fsync of folders");
  return text;
}

}  // namespace dtrain::util
