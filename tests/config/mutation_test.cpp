// Thousands of damaged configurations: each is read or refused with an Error, and nothing else
// happens. Worth most in a sanitizer build.
#include <gtest/gtest.h>

#include <string>

#include "config/json.h"
#include "config/reader.h"
#include "tests/config/example_config.h"
#include "util/random.h"

namespace dtrain::config {
namespace {

const std::string kWhole =
    R"({"loader": {"batch_size": 64, "drop_last": false, "mean": [0.5, 1e3, -2], "sizes": [3]},)"
    R"( "optimizer": {"name": "ad\u0041mw", "lr": 1.5e-3, "note": "n\\", "skip": ["a", "b"],)"
    R"( "groups": [{"match": "fc", "decay": {"rate": 0}, "stages": [{}]}, {"match": "b"}]},)"
    R"( "x": [[[{}]]], "_dtrain": {"a": null}})";

std::string damaged(util::CounterRng& rng) {
  static const std::string alphabet = "{}[]\",:0123456789.eE+-\\u ntf\n\xff\xc3";
  const auto letter = [&] { return alphabet[rng.below(static_cast<int64_t>(alphabet.size()))]; };
  std::string text = kWhole;
  for (int64_t edits = 1 + rng.below(8); edits > 0 && !text.empty(); --edits) {
    const auto length = static_cast<int64_t>(text.size());
    const auto at = static_cast<size_t>(rng.below(length));
    switch (rng.below(4)) {
      case 0:
        text[at] = letter();
        break;
      case 1:
        text.erase(at, static_cast<size_t>(1 + rng.below(5)));
        break;
      case 2:
        text.insert(at, 1, letter());
        break;
      default:  // leave out or repeat a stretch
        text = text.substr(0, at) + text.substr(static_cast<size_t>(rng.below(length)));
    }
  }
  return text;
}

TEST(Mutations, of_a_configuration_are_read_or_refused) {
  int refused = 0;
  for (int64_t trial = 0; trial < 20000; ++trial) {
    util::CounterRng rng(1, util::RandomStream::kTest, 0, trial);
    ExampleConfig config;
    Origins origins;
    Problems problems;
    try {
      const auto document = parse_json(damaged(rng), "a.json", {}, &problems);
      read_values(document, collect(config), origins, problems);
      problems.throw_if_any("a.json");
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ExitCode::kConfig);
      ++refused;
    }
  }
  EXPECT_GT(refused, 19000);
}

}  // namespace
}  // namespace dtrain::config
