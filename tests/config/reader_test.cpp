// Values from files and from the command line: types, limits, origins, and the list of complaints.
#include "config/reader.h"

#include <gtest/gtest.h>

#include "config/json.h"
#include "config/writer.h"
#include "tests/config/reading.h"

namespace dtrain::config {
namespace {

std::string problem_of_json(const std::string& json) { return Reading(json).text(); }
std::string problem_of_text(const std::string& path, const std::string& text) {
  return Reading("{}", {{path, text, "--set"}}).text();
}

TEST(Reader, leaves_defaults_where_nothing_is_said) {
  const Reading r;
  EXPECT_EQ(r.config.loader.batch_size, 128);
  EXPECT_EQ(r.config.optimizer.name, "sgd");
  EXPECT_EQ(origin_of(r.origins, "loader.batch_size"), "default");
  EXPECT_EQ(r.text(), "none");
}

TEST(Reader, reads_every_type_from_a_file) {
  const Reading r(R"({"loader": {"batch_size": 64, "drop_last": false, "mean": [0.5, 1],
                      "sizes": [3, 4]},
                      "optimizer": {"name": "adamw", "lr": 1, "note": "n", "skip": ["a", "b"]}})");
  EXPECT_EQ(r.text(), "none");
  EXPECT_EQ(r.config.loader.batch_size, 64);
  EXPECT_FALSE(r.config.loader.drop_last);
  EXPECT_EQ(r.config.loader.mean, (std::vector<double>{0.5, 1.0}));
  EXPECT_EQ(r.config.loader.sizes, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(r.config.optimizer.name, "adamw");
  EXPECT_EQ(r.config.optimizer.lr, 1.0);
  EXPECT_EQ(r.config.optimizer.note, "n");
  EXPECT_EQ(r.config.optimizer.skip, (std::vector<std::string>{"a", "b"}));
}

TEST(Reader, reads_every_type_from_text) {
  const Reading r("{}",
                  {{"loader.batch_size", "64", "--set"},
                   {"loader.drop_last", "False", "--set"},
                   {"loader.mean", "0.5,1", "--set"},
                   {"loader.sizes", "[3, 4]", "--set"},
                   {"optimizer.name", "adamw", "--set"},
                   {"optimizer.lr", "1e-3", "--set"},
                   {"optimizer.note", " as it is ", "--set"},
                   {"optimizer.skip", "", "--set"}});
  EXPECT_EQ(r.text(), "none");
  EXPECT_EQ(r.config.loader.batch_size, 64);
  EXPECT_FALSE(r.config.loader.drop_last);
  EXPECT_EQ(r.config.loader.mean, (std::vector<double>{0.5, 1.0}));
  EXPECT_EQ(r.config.loader.sizes, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(r.config.optimizer.name, "adamw");
  EXPECT_EQ(r.config.optimizer.lr, 1e-3);
  EXPECT_EQ(r.config.optimizer.note, " as it is ");
  EXPECT_TRUE(r.config.optimizer.skip.empty());
}

TEST(Reader, remembers_where_each_value_came_from_and_the_command_line_wins) {
  const Reading r("{\"loader\": {\n\"batch_size\": 64,\n\"drop_last\": true}}",
                  {{"loader.batch_size", "32", "command line -b"}});
  EXPECT_EQ(r.config.loader.batch_size, 32);
  EXPECT_EQ(origin_of(r.origins, "loader.batch_size"), "command line -b");
  EXPECT_EQ(origin_of(r.origins, "loader.drop_last"), "a.json:3");
  EXPECT_EQ(origin_of(r.origins, "optimizer.lr"), "default");
}

TEST(Reader, lists_all_mistakes_at_once) {
  const Reading r(
      "{\"loader\": {\"bach_size\": 64,\n\"drop_last\": 1, \"sizes\": [1, 0]},\n"
      "\"optimizer\": {\"lr\": 0, \"name\": \"sdg\"}, \"trainer\": {}, \"lr\": 1}",
      {{"optimizer.lr", "x", "--lr"}});
  EXPECT_EQ(r.lines(),
            (std::vector<std::string>{
                "loader.bach_size (line 1): unknown key (did you mean loader.batch_size?)",
                "loader.drop_last (line 2): must be true or false, but is 1",
                "loader.sizes (line 2): element 2 must be at least 1, but is 0",
                "optimizer.lr (line 3): must be above 0, but is 0",
                "optimizer.name (line 3): must be one of sgd, adamw, but is \"sdg\" "
                "(did you mean sgd?)",
                "trainer (line 3): unknown key",
                "lr (line 3): unknown key (did you mean optimizer.lr?)",
                "optimizer.lr (--lr): must be a number, but is \"x\""}));
}

TEST(Reader, keeps_the_old_value_of_a_field_with_a_problem) {
  const Reading r(R"({"optimizer": {"lr": -1}, "loader": {"mean": [0.1, 7]}})");
  EXPECT_EQ(r.problems.all().size(), 2u);
  EXPECT_EQ(r.config.optimizer.lr, 0.1);
  EXPECT_EQ(r.config.loader.mean, (std::vector<double>{0.5, 0.25}));
}

TEST(Reader, refuses_wrong_types_instead_of_converting) {
  EXPECT_NE(problem_of_json(R"({"loader": {"batch_size": 1.5}})").find("must be an integer"),
            std::string::npos);
  EXPECT_NE(problem_of_json(R"({"loader": {"batch_size": "1"}})").find("must be an integer"),
            std::string::npos);
  EXPECT_NE(problem_of_json(R"({"loader": {"batch_size": 18446744073709551615}})").find("2^63"),
            std::string::npos);
  EXPECT_NE(problem_of_json(R"({"optimizer": {"lr": true}})").find("must be a number"),
            std::string::npos);
  EXPECT_NE(problem_of_json(R"({"optimizer": {"name": null}})").find("must be a string"),
            std::string::npos);
  EXPECT_NE(problem_of_json(R"({"loader": {"mean": 0.5}})").find("must be a list"),
            std::string::npos);
  EXPECT_NE(problem_of_json(R"({"loader": {"mean": ["x"]}})").find("element 1 must be a number"),
            std::string::npos);
  EXPECT_NE(problem_of_json(R"({"loader": 3})").find("is a section"), std::string::npos);
  EXPECT_NE(problem_of_json("[]").find("must be an object"), std::string::npos);
  EXPECT_NE(problem_of_json(R"({"loader.batch_size": 3})").find("keys have no dots"),
            std::string::npos);
}

TEST(Reader, refuses_texts_that_are_no_value_of_the_type) {
  EXPECT_NE(problem_of_text("loader.batch_size", "12x").find("must be an integer"),
            std::string::npos);
  EXPECT_NE(problem_of_text("loader.batch_size", "").find("must be an integer"), std::string::npos);
  EXPECT_NE(problem_of_text("loader.batch_size", "99999999999999999999").find("does not fit"),
            std::string::npos);
  EXPECT_NE(problem_of_text("loader.drop_last", "maybe").find("must be true or false"),
            std::string::npos);
  EXPECT_NE(problem_of_text("optimizer.lr", "nan").find("must be finite"), std::string::npos);
  EXPECT_NE(problem_of_text("optimizer.lr", "inf").find("must be finite"), std::string::npos);
  EXPECT_NE(problem_of_text("loader.sizes", "1,,2").find("element 2"), std::string::npos);
  EXPECT_NE(problem_of_text("optimizer.skip", "a,").find("must not be empty"), std::string::npos);
  EXPECT_NE(problem_of_text("optimzer.lr", "1").find("did you mean optimizer.lr"),
            std::string::npos);
}

TEST(Reader, checks_the_limits_of_values_set_in_code) {
  ExampleConfig config;
  config.optimizer.lr = 0;
  config.loader.sizes = {0};
  Problems problems;
  check_limits(collect(config), {}, problems);
  EXPECT_EQ(problems.all().size(), 2u);
  EXPECT_EQ(problems.all()[1].where, "optimizer.lr (default)");
}

TEST(Writer, writes_a_file_that_reads_back_as_the_same_values) {
  Reading first(R"({"loader": {"batch_size": 7, "mean": [0.1]}, "optimizer": {"lr": 0.3}})",
                {{"optimizer.note", "a \"quoted\" note", "command line --set"}});
  const std::string text = effective_config(collect(first.config), first.origins);
  Reading second(text);
  EXPECT_EQ(second.text(), "none");
  EXPECT_TRUE(differences(collect(first.config), collect(second.config)).empty());

  const Json root = parse_json(text, "config.json").root;
  EXPECT_EQ(root["_dtrain"]["format"], kConfigFormat);
  EXPECT_EQ(root["_dtrain"]["origins"].dump(),
            R"({"loader.batch_size":"a.json:1","loader.mean":"a.json:1","optimizer.lr":"a.json:1",)"
            R"("optimizer.note":"command line --set"})");
}

TEST(Writer, tells_which_fields_differ) {
  ExampleConfig a, b;
  b.optimizer.lr = 0.2;
  b.loader.sizes = {1};
  const auto found = differences(collect(a), collect(b));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path, "loader.sizes");
  EXPECT_EQ(found[1].left + " " + found[1].right, "0.1 0.2");
}

}  // namespace
}  // namespace dtrain::config
