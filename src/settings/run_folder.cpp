// The folder a run writes into: its name, its files, and how a resumed run finds it again.
#include "settings/run_folder.h"

#include <ctime>
#include <system_error>

#include "util/atomic_file.h"
#include "util/folder_link.h"

namespace dtrain::settings {
namespace fs = std::filesystem;
namespace {

std::string time_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &local);
  return text;
}

}  // namespace

RunFolder create_run_folder(const fs::path& output, const std::string& experiment) {
  util::make_folders(output);
  const fs::path base = output / (time_stamp() + "-" + experiment);
  fs::path path = base;
  std::error_code error;
  // create_directory() says false, without an error, when the name is taken.
  for (int copy = 2; !fs::create_directory(path, error); ++copy) {
    if (error) throw util::file_error("cannot make the folder", path, error.value());
    path = base.string() + "-" + std::to_string(copy);
  }
  RunFolder folder{path};
  util::make_folders(folder.checkpoints());
  return folder;
}

std::optional<RunFolder> run_folder_of(const fs::path& checkpoint) {
  const fs::path folder = fs::weakly_canonical(util::followed(checkpoint)).parent_path();
  if (folder.filename() != "checkpoints") return std::nullopt;
  return RunFolder{folder.parent_path()};
}

}  // namespace dtrain::settings
