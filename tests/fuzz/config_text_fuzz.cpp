// Settings of the command line, one a line: path=text.
#include <sstream>
#include <string>

#include "config/reader.h"
#include "tests/config/example_config.h"
#include "tests/fuzz/fuzz_input.h"

using namespace dtrain;  // NOLINT: a program of one function

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(bytes), size));
  config::ExampleConfig config;
  const auto list = config::collect(config);
  config::Origins origins;
  testing::read_or_refused({ExitCode::kConfig}, [&] {
    config::Problems problems;
    for (std::string line; std::getline(in, line);) {
      const size_t equals = line.find('=');
      if (equals == std::string::npos) continue;
      config::read_text(
          list, {line.substr(0, equals), line.substr(equals + 1), "--set"}, origins, problems);
    }
    problems.throw_if_any("command line");
    testing::require(config.loader.batch_size >= 1, "a value that is taken is in its range");
    for (const auto& group : config.optimizer.groups) {
      testing::require(group.lr_factor > 0 && !group.match.empty(),
                       "a value of an element that is taken is in its range");
    }
  });
  return 0;
}
