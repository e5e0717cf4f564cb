// What the JSON wrapper refuses beyond nlohmann's own errors, and where it says the mistake is.
#include "config/json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace dtrain::config {
namespace {

std::string message_of(const std::string& text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, "a.json", limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), limits.code);
    return error.what();
  }
  return "accepted";
}

void expect_message(const std::string& text, const std::string& part) {
  EXPECT_NE(message_of(text).find(part), std::string::npos) << message_of(text);
}

TEST(Json, keeps_values_and_the_order_of_keys) {
  const auto doc = parse_json(R"({"b": [1, -2, 3.5, true, null, "x"], "a": {"c": {}}})", "a.json");
  EXPECT_EQ(doc.root.dump(), R"({"b":[1,-2,3.5,true,null,"x"],"a":{"c":{}}})");
}

TEST(Json, knows_the_line_of_every_key) {
  const auto doc = parse_json("{\n  \"a\": {\n    \"b\": 1, \"c\":\n\n 2 },\n\"d\": 3}", "a.json");
  EXPECT_EQ(doc.lines.at("a"), 2);
  EXPECT_EQ(doc.lines.at("a.b"), 3);
  EXPECT_EQ(doc.lines.at("a.c"), 3);
  EXPECT_EQ(doc.lines.at("d"), 6);
}

TEST(Json, knows_the_lines_of_lists_of_objects) {
  const auto doc = parse_json("{\"a\": [\n{\"b\": 1},\n3, {\n\"b\": [{}]}]}", "a.json");
  EXPECT_EQ(doc.lines.at("a[0]"), 2);
  EXPECT_EQ(doc.lines.at("a[0].b"), 2);
  EXPECT_EQ(doc.lines.count("a[1]"), 0u);
  EXPECT_EQ(doc.lines.at("a[2]"), 3);
  EXPECT_EQ(doc.lines.at("a[2].b"), 4);
  EXPECT_EQ(doc.lines.at("a[2].b[0]"), 4);
}

TEST(Json, names_file_line_and_column_of_a_syntax_error) {
  expect_message("{\n  \"a\": 1,\n  }", "a.json:3:3");
  expect_message("{\"a\" 1}", "a.json:1:6");
  expect_message("", "a.json:1:1");
  expect_message("{} {}", "a.json:1:4");
  expect_message("{\"a\": NaN}", "a.json:1:");
  expect_message("{\"a\": \"\xff\"}", "UTF-8");
  expect_message("{\"a\": 1e999}", "number overflow");
}

TEST(Json, refuses_duplicate_keys_and_lists_all_of_them) {
  const std::string message =
      message_of("{\"a\": 1,\n\"b\": {\"c\": 1,\n\"c\": 2},\n\"a\": 3, \"c\": 4}");
  EXPECT_NE(message.find("b.c (line 3): duplicate key (first on line 2)"), std::string::npos)
      << message;
  EXPECT_NE(message.find("a (line 4): duplicate key (first on line 1)"), std::string::npos);
  EXPECT_EQ(message_of("[{\"a\": 1}, {\"a\": 1}]"), "accepted");
}

TEST(Json, tells_a_dotted_key_from_a_nested_one) {
  EXPECT_EQ(message_of(R"({"a.b": 1, "a": {"b": 2}})"), "accepted");
}

TEST(Json, refuses_integers_that_do_not_fit) {
  expect_message("{\"a\": [0, 123456789012345678901234567890]}", "a[1] (line 1)");
  expect_message("{\"a\": -9223372036854775809}", "does not fit in 64 bits");
  EXPECT_EQ(parse_json("-9223372036854775808", "a").root.get<int64_t>(), INT64_MIN);
  EXPECT_EQ(parse_json("18446744073709551615", "a").root.get<uint64_t>(), UINT64_MAX);
}

TEST(Json, refuses_deep_nesting_and_large_files) {
  EXPECT_EQ(message_of(std::string(32, '[') + std::string(32, ']')), "accepted");
  expect_message(std::string(33, '[') + std::string(33, ']'), "deeper than 32");
  expect_message(std::string(1000000, '['), "a.json:1:33");
  expect_message(std::string(5 << 20, ' '), "larger than 4194304 bytes");
}

TEST(Json, stays_fast_on_an_object_of_many_keys) {
  std::string text = "{";
  for (int i = 0; i < 100000; ++i) text += "\"key" + std::to_string(i) + "\":1,";
  text += "\"last\":1}";
  EXPECT_EQ(parse_json(text, "a.json").root.size(), 100001u);
}

TEST(Json, collects_what_can_be_collected_when_asked_to) {
  Problems problems;
  const auto doc =
      parse_json("{\"a\": 1, \"a\": 2, \"b\": 99999999999999999999}", "a", {}, &problems);
  EXPECT_EQ(problems.all().size(), 2u);
  EXPECT_TRUE(doc.root.contains("b"));
}

TEST(Json, reports_an_unreadable_file_with_its_reason) {
  try {
    read_json_file("/nonexistent/a.json");
    FAIL() << "a missing file was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kIo);
    EXPECT_STREQ(error.what(), "/nonexistent/a.json: No such file or directory; check the path");
  }
  EXPECT_THROW(read_json_file("/"), Error);
}

TEST(Json, uses_the_exit_code_the_caller_asks_for) {
  // message_of() compares the code.
  EXPECT_NE(message_of("{", {.code = ExitCode::kData}), "accepted");
  EXPECT_NE(message_of("{\"a\":1,\"a\":1}", {.code = ExitCode::kData}), "accepted");
}

}  // namespace
}  // namespace dtrain::config
