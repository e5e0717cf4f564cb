// Whether something to read stands at a path.
#pragma once

#include <filesystem>
#include <system_error>

namespace dtrain::data {

// A regular file, itself or by links; false also where that cannot be told.
inline bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

}  // namespace dtrain::data
