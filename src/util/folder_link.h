// A name that stands for a folder beside it: a symbolic link, or where the file system has none a
// small file that holds the folder's name.
#pragma once

#include <filesystem>
#include <string>

namespace dtrain::util {

// Makes `link` stand for the folder `name` beside it, replacing what it stood for before.
// Error(kIo).
void point_to_folder(const std::filesystem::path& link, const std::string& name);

// The name that a link or such a file holds; empty where it is neither.
std::string pointed_name(const std::filesystem::path& link);

// The folder that `path` leads to, without links: that of a link, of such a file, or of the folder
// itself. A path that leads nowhere stays as it is.
std::filesystem::path followed(const std::filesystem::path& path);

}  // namespace dtrain::util
