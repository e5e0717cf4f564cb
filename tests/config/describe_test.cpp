// The field list as documentation, help and table.
#include "config/describe.h"

#include <gtest/gtest.h>

#include "tests/config/example_config.h"

namespace dtrain::config {
namespace {

std::vector<std::string> example_flags(const std::string& path) {
  if (path == "loader.batch_size") return {"--batch-size", "-b"};
  return {"--" + path};
}

TEST(Describe, writes_numbers_as_briefly_as_they_read_back) {
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(number_text(1e-5), "1e-05");
  EXPECT_EQ(number_text(65536), "65536");
}

TEST(Describe, states_limits_in_words) {
  EXPECT_EQ(limits_text(at_least(1)), "at least 1");
  EXPECT_EQ(limits_text(at_most(2.5)), "at most 2.5");
  EXPECT_EQ(limits_text(between(0, 1)), "between 0 and 1");
  EXPECT_EQ(limits_text(above(0)), "above 0");
  EXPECT_EQ(limits_text(Range{.low = 0, .high = 1, .low_open = true}), "above 0 and at most 1");
  EXPECT_EQ(limits_text(one_of({"a", "b"})), "one of a, b");
  EXPECT_EQ(limits_text(not_empty()), "not empty");
  EXPECT_EQ(limits_text(any), "");
}

TEST(Describe, makes_a_markdown_table_of_each_section) {
  ExampleConfig config;
  const std::string page = markdown(collect(config), example_flags);
  EXPECT_NE(page.find("## `loader`\n\nHow batches are made.\n\n| key |"), std::string::npos);
  EXPECT_NE(page.find("| `batch_size` | integer | `128` | at least 1 |  | `--batch-size` `-b` | "
                      "Images per rank and step. |\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("Free text \\| for you."), std::string::npos);
  EXPECT_NE(page.find("| `mean` | list of numbers | `[0.5, 0.25]` |"), std::string::npos);
}

TEST(Describe, groups_the_help_by_section_and_keeps_lines_short) {
  ExampleConfig config;
  const std::string help = help_text(collect(config), example_flags);
  EXPECT_LT(help.find("loader: How batches"), help.find("-b, --batch-size N"));
  EXPECT_LT(help.find("-b, --batch-size N"), help.find("optimizer: How weights"));
  EXPECT_NE(help.find("--optimizer.name sgd|adamw"), std::string::npos) << help;
  EXPECT_NE(help.find("[at least 1; default: 128]"), std::string::npos);
  for (size_t start = 0; start < help.size();) {
    const size_t end = help.find('\n', start);
    EXPECT_LE(end - start, 100u) << help.substr(start, end - start);
    start = end + 1;
  }
}

TEST(Describe, aligns_values_with_their_origins) {
  ExampleConfig config;
  const std::string table = values_table(collect(config), {{"optimizer.lr", "command line --lr"}});
  EXPECT_NE(table.find("loader.batch_size  128          default\n"), std::string::npos) << table;
  EXPECT_NE(table.find("optimizer.lr       0.1          command line --lr\n"), std::string::npos);
  EXPECT_NE(table.find("optimizer.note     \"\"           default\n"), std::string::npos);
}

}  // namespace
}  // namespace dtrain::config
