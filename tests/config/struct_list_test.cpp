// Lists of structs: read, refused, set as text, written, compared and described.
#include <gtest/gtest.h>

#include "config/describe.h"
#include "config/writer.h"
#include "tests/config/reading.h"

namespace dtrain::config {
namespace {

const char* const kTwoGroups = R"({"optimizer": {"groups": [
  {"match": "fc", "lr_factor": 10,
   "kinds": ["bias"]},
  {"match": "layer4",
   "decay": {"rate": 0.25}, "stages": [{"epoch": 3}, {}]}
]}})";

using Lines = std::vector<std::string>;

TEST(StructList, reads_every_element_from_its_defaults) {
  const Reading r(kTwoGroups);
  EXPECT_EQ(r.text(), "none");
  const auto& groups = r.config.optimizer.groups;
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].match, "fc");
  EXPECT_EQ(groups[0].lr_factor, 10);
  EXPECT_EQ(groups[0].kinds, (std::vector<std::string>{"bias"}));
  EXPECT_EQ(groups[0].decay.rate, 0.5);
  EXPECT_EQ(groups[1].lr_factor, 1);
  EXPECT_EQ(groups[1].decay.rate, 0.25);
  ASSERT_EQ(groups[1].stages.size(), 2u);  // a list in a list
  EXPECT_EQ(groups[1].stages[0].epoch, 3);
  EXPECT_EQ(groups[1].stages[1].epoch, 1);
}

TEST(StructList, of_a_file_replaces_the_one_that_was_there) {
  ExampleConfig config;
  config.optimizer.groups.resize(2);
  config.optimizer.groups[0].match = "old";
  config.optimizer.groups[0].lr_factor = 7;
  Origins origins = {{"optimizer.groups[0].lr_factor", "elsewhere"}};
  Problems problems;
  read_values(parse_json(R"({"optimizer": {"groups": [{"match": "new"}]}})", "a.json"),
              collect(config),
              origins,
              problems);
  EXPECT_TRUE(problems.empty()) << problems.text();
  ASSERT_EQ(config.optimizer.groups.size(), 1u);
  EXPECT_EQ(config.optimizer.groups[0].lr_factor, 1);
  EXPECT_EQ(origins.count("optimizer.groups[0].lr_factor"), 0u);
}

TEST(StructList, has_origins_as_a_whole_and_of_each_field_given) {
  const Reading r(kTwoGroups, {{"optimizer.groups[1].lr_factor", "5", "command line --set"}});
  EXPECT_EQ(r.text(), "none");
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups"), "a.json:1");
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups[0].kinds"), "a.json:3");
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups[1].decay.rate"), "a.json:5");
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups[1].lr_factor"), "command line --set");
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups[0].decay.rate"), "default");
}

TEST(StructList, lists_all_mistakes_with_path_and_line) {
  const Reading r(
      "{\"optimizer\": {\"groups\": [\n{\"match\": \"a\", \"lr_factr\": 1},\n"
      "{\"match\": 3,\n\"lr_factor\": 0},\n{\"decay\": {\"rat\": 1, \"epochs\": -1}},\n"
      "\"fc\", {\"match\": \"b\", \"decay\": 1,\n\"kinds\": [\"wieght\"], \"stages\": [{\"epoch\": "
      "0}, "
      "1]}],\n\"lr\": 0}}");
  EXPECT_EQ(
      r.lines(),
      (Lines{"optimizer.groups[0].lr_factr (line 2): unknown key (did you mean "
             "optimizer.groups[0].lr_factor?)",
             "optimizer.groups[1].match (line 3): must be a string, but is 3",
             "optimizer.groups[1].lr_factor (line 4): must be above 0, but is 0",
             "optimizer.groups[2].decay.rat (line 5): unknown key (did you mean "
             "optimizer.groups[2].decay.rate?)",
             "optimizer.groups[2].decay.epochs (line 5): must be at least 0, but is -1",
             "optimizer.groups[2].match (line 5): is missing: must not be empty",
             "optimizer.groups[3] (line 1): must be an object in braces, but is \"fc\"",
             "optimizer.groups[4].decay (line 6): is a section: must be an object in braces",
             "optimizer.groups[4].kinds (line 7): element 1 must be one of weight, bias, but is "
             "\"wieght\" (did you mean weight?)",
             "optimizer.groups[4].stages[0].epoch (line 7): must be at least 1, but is 0",
             "optimizer.groups[4].stages[1] (line 7): must be an object in braces, but is 1",
             "optimizer.lr (line 8): must be above 0, but is 0"}));
}

TEST(StructList, is_a_list_and_its_keys_are_no_paths) {
  EXPECT_EQ(Reading(R"({"optimizer": {"groups": {"match": "fc"}}})").text(),
            "optimizer.groups (line 1): must be a list of objects, but is {\"match\":\"fc\"}");
  EXPECT_EQ(Reading(R"({"optimizer": {"groups[0]": {}}})").text(),
            "optimizer.groups[0] (line 1): unknown key (did you mean optimizer.groups?)");
  const Reading r(R"({"optimizer": {"groups": [{"match": "a", "match": "b"}]}})");
  EXPECT_EQ(r.text(), "optimizer.groups[0].match (line 1): duplicate key (first on line 1)");
}

TEST(StructList, is_set_as_text) {
  const Reading r(
      kTwoGroups,
      {{"optimizer.groups", R"([{"match": "conv", "lr_factor": 2}, {"match": "x"}])", "s"},
       {"optimizer.groups[1].decay.rate", "0.75", "t"},
       {"optimizer.groups[0].kinds", "weight,bias", "u"},
       {"optimizer.groups[1].stages", "[{}]", "v"},
       {"optimizer.groups[1].stages[0].epoch", "9", "w"}});
  EXPECT_EQ(r.text(), "none");
  const auto& groups = r.config.optimizer.groups;
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].match, "conv");
  EXPECT_EQ(groups[0].kinds.size(), 2u);
  EXPECT_EQ(groups[1].decay.rate, 0.75);
  EXPECT_EQ(groups[1].stages.at(0).epoch, 9);
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups"), "s");
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups[0].lr_factor"), "s");
  EXPECT_EQ(origin_of(r.origins, "optimizer.groups[1].decay.rate"), "t");
  EXPECT_TRUE(
      Reading(kTwoGroups, {{"optimizer.groups", " ", "s"}}).config.optimizer.groups.empty());
}

TEST(StructList, refuses_wrong_texts_with_the_same_words) {
  const Reading r(kTwoGroups,
                  {{"optimizer.groups[2].match", "x", "--set"},
                   {"optimizer.groups[99999999999999999999].match", "x", "--set"},
                   {"optimizer.groups[1].mtach", "x", "--set"},
                   {"optimizer.groups[1].lr_factor", "0", "--set"},
                   {"optimizer.groups[1]", "{}", "--set"},
                   {"optimizer.groups[-1].match", "x", "--set"},
                   {"optimizer.groups[1].", "x", "--set"},
                   {"optimizer.gruops[1].match", "x", "--set"},
                   {"optimizer.lr[0]", "x", "--set"},
                   {"optimizer.groups", R"([{"match": "a", "lr_factr": 1}, {}, 3])", "--set"},
                   {"optimizer.groups", "[{", "--set"},
                   {"optimizer.groups", "fc", "--set"},
                   {"optimizer.groups", R"([{"match": "a", "match": "b"}])", "--set"},
                   {"optimizer.groups", "3", "--set"}});
  EXPECT_EQ(
      r.lines(),
      (Lines{
          "optimizer.groups[2].match (--set): there is no such element: optimizer.groups has 2, "
          "counted from 0",
          "optimizer.groups[99999999999999999999].match (--set): there is no such element: "
          "optimizer.groups has 2, counted from 0",
          "optimizer.groups[1].mtach (--set): unknown key (did you mean "
          "optimizer.groups[1].match?)",
          "optimizer.groups[1].lr_factor (--set): must be above 0, but is 0",
          "optimizer.groups[1] (--set): must name a field of an element: "
          "optimizer.groups[0].NAME",
          "optimizer.groups[-1].match (--set): must name a field of an element: "
          "optimizer.groups[0].NAME",
          "optimizer.groups[1]. (--set): must name a field of an element: "
          "optimizer.groups[0].NAME",
          "optimizer.gruops[1].match (--set): unknown key (did you mean optimizer.groups?)",
          "optimizer.lr[0] (--set): unknown key (did you mean optimizer.lr?)",
          "optimizer.groups[0].lr_factr (--set): unknown key (did you mean "
          "optimizer.groups[0].lr_factor?)",
          "optimizer.groups[1].match (--set): is missing: must not be empty",
          "optimizer.groups[2] (--set): must be an object in braces, but is 3",
          "optimizer.groups (--set): must be a list of objects as JSON, but at 1:3: syntax error "
          "while parsing object key - unexpected end of input; expected string literal",
          "optimizer.groups (--set): must be a list of objects as JSON, but at 1:2: syntax error "
          "while parsing value - invalid literal; last read: 'fc'",
          "optimizer.groups[0].match (line 1) (--set): duplicate key (first on line 1)",
          "optimizer.groups (--set): must be a list of objects, but is 3"}));
}

TEST(StructList, has_the_limits_of_its_elements_checked) {
  ExampleConfig config;
  config.optimizer.groups.resize(1);
  config.optimizer.groups[0].match = "fc";
  config.optimizer.groups[0].lr_factor = -1;
  Problems problems;
  check_limits(collect(config), {{"optimizer.groups[0].lr_factor", "code"}}, problems);
  EXPECT_EQ(problems.text(), "optimizer.groups[0].lr_factor (code): must be above 0, but is -1");
}

TEST(StructList, is_written_whole_and_reads_back_the_same) {
  Reading first(kTwoGroups, {{"optimizer.groups[0].lr_factor", "3", "--set"}});
  const std::string text = effective_config(collect(first.config), first.origins);
  const Json root = parse_json(text, "config.json").root;
  EXPECT_EQ(root["optimizer"]["groups"][0].dump(),
            R"({"match":"fc","lr_factor":3.0,"kinds":["bias"],"label":"",)"
            R"("decay":{"rate":0.5,"epochs":0},"stages":[]})");
  EXPECT_EQ(root["optimizer"]["groups"][1]["stages"].dump(), R"([{"epoch":3},{"epoch":1}])");
  const Json& origins = root["_dtrain"]["origins"];
  EXPECT_EQ(origins["optimizer.groups"], "a.json:1");
  EXPECT_EQ(origins["optimizer.groups[0].lr_factor"], "--set");
  EXPECT_FALSE(origins.contains("optimizer.groups[0].label"));
  Reading second(text);
  EXPECT_EQ(second.text(), "none");
  EXPECT_TRUE(differences(collect(first.config), collect(second.config)).empty());
}

TEST(StructList, differs_in_fields_where_the_lengths_are_equal) {
  Reading a(kTwoGroups), b(kTwoGroups);
  b.config.optimizer.groups[1].decay.rate = 1;
  b.config.optimizer.groups[1].label = "last";
  b.config.optimizer.groups[1].stages[0].epoch = 4;
  const auto found = differences(collect(a.config), collect(b.config));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].path, "optimizer.groups[1].label");
  EXPECT_EQ(found[0].effect, kFree);
  EXPECT_EQ(found[1].path, "optimizer.groups[1].decay.rate");
  EXPECT_EQ(found[1].left + " " + found[1].right, "0.25 1");
  EXPECT_EQ(found[1].effect, kCourse);
  EXPECT_EQ(found[2].path, "optimizer.groups[1].stages[0].epoch");
  EXPECT_EQ(found[2].effect, kRounding);
}

TEST(StructList, differs_as_a_whole_where_the_lengths_are_not) {
  Reading a(kTwoGroups), b(R"({"optimizer": {"groups": [{"match": "fc"}]}})");
  auto found = differences(collect(a.config), collect(b.config));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "optimizer.groups");
  EXPECT_EQ(found[0].left,
            R"([{"match":"fc","lr_factor":10.0,"kinds":["bias"]},)"
            R"({"match":"layer4","decay":{"rate":0.25},"stages":[{"epoch":3},{}]}])");
  EXPECT_EQ(found[0].right, R"([{"match":"fc"}])");
  ExampleConfig none;
  found = differences(collect(none), collect(b.config));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].left, "[]");
}

TEST(StructList, stands_in_the_table_of_values_with_its_elements) {
  Reading r(R"({"optimizer": {"groups": [{"match": "fc"}]}})");
  const std::string table = values_table(collect(r.config), r.origins);
  for (const char* line : {"\noptimizer.groups                  1 element    a.json:1\n",
                           "\noptimizer.groups[0].match         fc           a.json:1\n",
                           "\noptimizer.groups[0].decay.rate    0.5          default\n",
                           "\noptimizer.groups[0].stages        []           default\n"}) {
    EXPECT_NE(table.find(line), std::string::npos) << line << table;
  }
}

std::vector<std::string> flags_of_fields(const std::string& path) {
  EXPECT_EQ(path.find('['), std::string::npos) << "fields of elements have no flags";
  return {"--" + path};
}

TEST(StructList, has_a_section_in_the_page_of_settings) {
  ExampleConfig config;
  const std::string page = markdown(collect(config), flags_of_fields);
  for (const char* part :
       {"| `groups` | list of objects | `[]` |  |  | `--optimizer.groups` | Parameter groups. |\n\n"
        "## `optimizer.groups[]`\n\nFields of each element of this list.\n\n| key | type |",
        "| `lr_factor` | number | `1` | above 0 |  |  | Factor on the learning rate. |\n",
        "| `label` | text | `\"\"` |  | free |  | What the log calls it. |\n",
        "## `optimizer.groups[].stages[]`\n",
        "## `optimizer.groups[].decay`\n\nDecay of the factor.\n\n",
        "| `epochs` | integer | `0` |"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part << page;
  }
}

TEST(StructList, has_a_paragraph_in_the_help) {
  ExampleConfig config;
  const std::string help = help_text(collect(config), flags_of_fields);
  for (const char* part : {"  --optimizer.groups JSON",
                           "\noptimizer.groups[]: Fields of each element of this list.\n",
                           "  lr_factor X                     Factor on the learning rate. [above "
                           "0; default: 1]\n"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part << help;
  }
}

}  // namespace
}  // namespace dtrain::config
