// Texts about things dtrain has written, for `dtrain inspect`.
#pragma once

#include <filesystem>
#include <string>

namespace dtrain::run {

// What a checkpoint (or a link such as `last`) holds: position, files, tensors with type and shape,
// and the values its writer noted. Every file is read and compared with its checksum first;
// Error(kIo) names the one that is damaged.
std::string describe_checkpoint(const std::filesystem::path& checkpoint);

}  // namespace dtrain::run
