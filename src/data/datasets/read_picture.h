// The bytes of one picture's file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace dtrain::data {

// Replaces `bytes` (reusing its memory) by the content of the file. Never waits: what is not a
// regular file is refused. Throws Error(kData) that names the path for such a file
// (image::BadPicture for an empty one and one of more than 128 MB); Error(kIo) when the system
// refuses to read.
void read_picture(const std::filesystem::path& path, std::vector<uint8_t>& bytes);

}  // namespace dtrain::data
