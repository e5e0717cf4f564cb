// Which dtrain this is, as --version prints it and checkpoints record it.
#pragma once

#include <string>

namespace dtrain::util {

inline constexpr const char* kVersion = "0.1.0";

// What the linker computed from the content of the running program, in hexadecimal: two programs
// with the same number are the same code from the same compiler. Empty if it left none.
std::string build_id();

}  // namespace dtrain::util
