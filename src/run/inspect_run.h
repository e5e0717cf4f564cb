// Texts about things dtrain has written, for `dtrain inspect`.
#pragma once

#include <string>

namespace dtrain::run {

// What the checkpoint of checkpoint::find_checkpoint(request) holds: position, files, tensors with
// type and shape, and the values its writer noted. Every file is read and compared with its
// checksum first; Error(kIo) names the one that is damaged.
std::string describe_checkpoint(const std::string& request);

}  // namespace dtrain::run
