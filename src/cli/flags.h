// The command line: flags, each of which is a field of the configuration.
//
// Every field has the flag --section.key. The fields that people set most have the short names
// users know from other trainers, in one table (flags.cpp); '-', '_' and '.' are the same in a
// flag's name. Fields of type true/false are switches: --sync-bn, --sync-bn True, --sync-bn=false,
// --no-sync-bn.
#pragma once

#include <string>
#include <vector>

#include "config/fields.h"
#include "config/reader.h"

namespace dtrain::cli {

// A row of the table of short names.
struct FlagRow {
  const char* path;                    // the field it sets
  std::vector<const char*> spellings;  // "--batch-size", "-b"; the preferred one first
  // A switch over a field that is no true/false: what --flag and --no-flag set it to.
  const char* on = nullptr;
  const char* off = nullptr;
};
const std::vector<FlagRow>& flag_rows();

// The flags that set the field of a path, the preferred one first; --section.key where the table
// has none.
std::vector<std::string> flags_of(const std::string& path);

struct Arguments {
  std::string config_file;                  // --config; empty: none
  std::vector<config::Override> overrides;  // in the order given; a later one wins
  bool help = false;
  std::vector<std::string> positionals;
};

// Parses what follows the name of the command. `list` says which fields there are and of which
// type. Throws Error(kUsage) that lists every unknown flag with the nearest known one, and every
// missing value. Values are not looked at: the reader does that, together with those of the file.
Arguments parse_arguments(const std::vector<std::string>& arguments, const config::FieldList& list);

}  // namespace dtrain::cli
