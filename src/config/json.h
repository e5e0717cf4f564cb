// JSON as dtrain accepts it: nlohmann's parser with what it leaves to its caller. Refused are
// duplicate keys (last one wins otherwise), integers beyond 64 bits (they would become rounded
// doubles), deep nesting and large files; errors name the file, the line and the column.
//
// Only config/ and the few places that read or write JSON files include this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config/problems.h"
#include "util/check.h"

namespace dtrain::config {

using Json = nlohmann::ordered_json;  // keys keep the order of the file

struct JsonLimits {
  size_t max_bytes = size_t{4} << 20;
  int max_depth = 32;
  ExitCode code = ExitCode::kConfig;  // of the Error when the text is not acceptable
};

struct JsonDocument {
  std::string name;  // the file, as error messages name it
  Json root;
  // Key path ("loader.workers", "groups[1].lr") -> line of the key, from 1. Of an object in a list
  // ("groups[1]") the line it starts on.
  std::map<std::string, int64_t> lines;
};

// Parses `text`; `name` is what messages call it. Syntax errors throw. Duplicate keys and integers
// that do not fit are added to `problems` when that is given, and throw otherwise, all of them in
// one Error.
JsonDocument parse_json(std::string_view text,
                        const std::string& name,
                        const JsonLimits& limits = {},
                        Problems* problems = nullptr);

// Reads and parses a file; Error(kIo) when it cannot be read.
JsonDocument read_json_file(const std::string& path,
                            const JsonLimits& limits = {},
                            Problems* problems = nullptr);

}  // namespace dtrain::config
