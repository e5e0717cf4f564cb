#include "util/folder_link.h"

#include "util/atomic_file.h"

namespace dtrain::util {
namespace {

namespace fs = std::filesystem;

// Longer than any name; a larger file is something else.
constexpr int64_t kMostName = 255;

bool is_name_beside(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string("/\0\n", 3)) == std::string::npos;
}

}  // namespace

void point_to_folder(const fs::path& link, const std::string& name) {
  const fs::path temporary = temporary_beside(link);
  std::error_code error;
  fs::create_directory_symlink(name, temporary, error);
  if (error) {
    // Whatever the reason: where it is a full disk or a missing folder, this fails too.
    write_file_atomic(link, name + "\n");
    return;
  }
  try {
    rename_path(temporary, link);
  } catch (...) {
    fs::remove(temporary, error);
    throw;
  }
  sync_folder(link.parent_path().empty() ? fs::path(".") : link.parent_path());
}

std::string pointed_name(const fs::path& link) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(link, error);
  if (fs::is_symlink(status)) return fs::read_symlink(link, error).string();
  if (!fs::is_regular_file(status)) return {};
  try {
    std::string name = read_file(link, kMostName + 1);
    if (name.ends_with('\n')) name.pop_back();
    return is_name_beside(name) ? name : std::string();
  } catch (const Error&) {
    return {};
  }
}

fs::path followed(const fs::path& path) {
  std::error_code error;
  fs::path folder = path;
  if (fs::is_regular_file(path, error)) {
    // A copy of a run may have turned links into such files, and a link may lead to one.
    const fs::path file = fs::canonical(path, error);
    const std::string name = error ? std::string() : pointed_name(file);
    if (!name.empty()) folder = file.parent_path() / name;
  }
  if (!fs::is_directory(folder, error)) return path;
  const fs::path whole = fs::canonical(folder, error);
  return error ? path : whole;
}

}  // namespace dtrain::util
