// The version of dtrain, as --version prints it and checkpoints record it.
#pragma once

namespace dtrain::util {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace dtrain::util
