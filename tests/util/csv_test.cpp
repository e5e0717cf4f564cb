// One rule to quote cells, one to split rows.
#include "util/csv.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dtrain::util {
namespace {

using Cells = std::vector<std::string>;

TEST(Csv, OnlyCellsThatNeedThemGetQuotes) {
  EXPECT_EQ(csv_quoted(""), "");
  EXPECT_EQ(csv_quoted("a cell's text"), "a cell's text");
  EXPECT_EQ(csv_quoted("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_quoted("\""), "\"\"\"\"");
  EXPECT_EQ(csv_quoted("a\nb\r"), "\"a\nb\r\"");
  EXPECT_EQ(csv_row({"Id", "a,b", ""}), "Id,\"a,b\",\n");
}

TEST(Csv, ARowComesBackWhateverItHolds) {
  const std::vector<Cells> rows = {
      {""},
      {"", ""},
      {"plain", "with,comma", "with \"quotes\"", "\""},
      {"two\nlines", "of\r\nWindows", "ends with\r", "\r", "\n"},
      {std::string("nul\0byte", 8), "\xFF\xFE", std::string(70000, ',')}};
  std::string text;
  for (const Cells& row : rows) text += csv_row(row);
  std::string_view rest = text;
  Cells cells;
  for (const Cells& row : rows) {
    ASSERT_TRUE(take_csv_row(rest, cells));
    EXPECT_EQ(cells, row);
  }
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(take_csv_row(rest, cells));
}

TEST(Csv, LineEndsOfSpreadsheetsEndARow) {
  std::string_view rest = "a,b\r\n\"c\",\"d\r\"\r\n\r\n";
  Cells cells;
  ASSERT_TRUE(take_csv_row(rest, cells));
  EXPECT_EQ(cells, (Cells{"a", "b"}));
  ASSERT_TRUE(take_csv_row(rest, cells));
  EXPECT_EQ(cells, (Cells{"c", "d\r"}));
  ASSERT_TRUE(take_csv_row(rest, cells));
  EXPECT_EQ(cells, (Cells{""}));
}

TEST(Csv, ARowWithoutLineEndIsNotTaken) {
  for (const std::string text : {"", "a,b", "a,\"b\n", "\"a\"\"\n"}) {
    std::string_view rest = text;
    Cells cells;
    EXPECT_FALSE(take_csv_row(rest, cells)) << text;
    EXPECT_EQ(rest, text);
  }
}

}  // namespace
}  // namespace dtrain::util
