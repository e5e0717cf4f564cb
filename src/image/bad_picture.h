// Why a picture cannot be decoded.
#pragma once

#include <string>
#include <utility>

#include "util/check.h"

namespace dtrain::image {

enum class Fault {
  kEmpty,        // no bytes at all
  kNotAPicture,  // of no known format by its first bytes
  kCutShort,     // the end of the file is missing
  kDamaged,      // the bytes contradict the format, or a checksum
  kUnsupported,  // a kind of its format that is not decoded
  kTooLarge,     // above a limit (image::Limits)
};

// An Error(kData) that also says of which kind the fault is.
class BadPicture : public Error {
 public:
  BadPicture(Fault fault, std::string cause, std::string what = "image")
      : Error(ExitCode::kData,
              std::move(what),
              std::move(cause),
              "`dtrain verify-data` lists all such files"),
        fault_(fault) {}

  Fault fault() const { return fault_; }

 private:
  Fault fault_;
};

}  // namespace dtrain::image
