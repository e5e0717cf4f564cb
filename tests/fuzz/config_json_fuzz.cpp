// A configuration as a JSON file: read or refused, and what is read can be written and read again.
#include <string>

#include "config/json.h"
#include "config/reader.h"
#include "config/writer.h"
#include "tests/config/example_config.h"
#include "tests/fuzz/fuzz_input.h"

using namespace dtrain;  // NOLINT: a program of one function
using config::ExampleConfig;

namespace {

void read(const std::string& text, ExampleConfig& out, config::Origins& origins) {
  config::Problems problems;
  const auto document = config::parse_json(text, "a.json", {}, &problems);
  config::read_values(document, config::collect(out), origins, problems);
  problems.throw_if_any("a.json");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  ExampleConfig first, second;
  config::Origins origins, ignored;
  const bool is_read =
      testing::read_or_refused({ExitCode::kConfig}, [&] { read(text, first, origins); });
  if (!is_read) return 0;
  const auto list = config::collect(first);
  read(config::effective_config(list, origins), second, ignored);
  testing::require(config::differences(list, config::collect(second)).empty(),
                   "a configuration reads back as it was written");
  return 0;
}
