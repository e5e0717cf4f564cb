// The text of a list of problems, and which name counts as near.
#include "config/problems.h"

#include <gtest/gtest.h>

namespace dtrain::config {
namespace {

TEST(EditDistance, counts_single_edits_and_swaps_and_ignores_case_and_dashes) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("momentum", "momnetum"), 1);
  EXPECT_EQ(edit_distance("batch-size", "Batch_Size"), 0);
}

TEST(NearestName, finds_a_slip_of_the_finger_but_does_not_guess_wildly) {
  const std::vector<std::string> names = {"batch_size", "workers", "drop_last", "lr"};
  EXPECT_EQ(nearest_name("bach_size", names), "batch_size");
  EXPECT_EQ(nearest_name("worker", names), "workers");
  EXPECT_EQ(nearest_name("lt", names), "lr");
  EXPECT_EQ(nearest_name("xyz", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'w'), names), "");
  EXPECT_EQ(did_you_mean("dorp_last", names), " (did you mean drop_last?)");
  EXPECT_EQ(did_you_mean("xyz", names), "");
}

TEST(Problems, are_reported_all_at_once_on_one_line) {
  Problems problems;
  EXPECT_NO_THROW(problems.throw_if_any("a.json"));
  problems.add("a.b", "unknown key");
  EXPECT_EQ(problems.text(), "a.b: unknown key");
  problems.add("c", "must be at least 1, but is 0");
  EXPECT_EQ(problems.text(),
            "2 problems: (1) a.b: unknown key (2) c: must be at least 1, but is 0");
  try {
    problems.throw_if_any("a.json");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kConfig);
    EXPECT_EQ(error.subject(), "a.json");
    EXPECT_EQ(error.cause(), problems.text());
  }
}

}  // namespace
}  // namespace dtrain::config
