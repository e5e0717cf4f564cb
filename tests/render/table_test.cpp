// Tables as they appear on the terminal.
#include "render/table.h"

#include <gtest/gtest.h>

namespace dtrain::render {
namespace {

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({"name", "top1", "time"});
  table.row({"resnet18", "91.5", "3s"}).row({"net", "9.25", ""}).row({"x", "1e-3", "120s"});
  EXPECT_EQ(table.text(),
            "name      top1  time\n"
            "resnet18  91.5    3s\n"
            "net       9.25\n"
            "x         1e-3  120s\n");
}

TEST(Table, WithABox) {
  Table table({"setting", "value"});
  table.row({"lr", "0.1"}).rule().row({"model", "resnet18"});
  EXPECT_EQ(table.text(TableStyle::kBox),
            "┌─────────┬──────────┐\n"
            "│ setting │ value    │\n"
            "├─────────┼──────────┤\n"
            "│ lr      │ 0.1      │\n"
            "├─────────┼──────────┤\n"
            "│ model   │ resnet18 │\n"
            "└─────────┴──────────┘\n");
  EXPECT_EQ(table.text(TableStyle::kAscii),
            "+---------+----------+\n"
            "| setting | value    |\n"
            "+---------+----------+\n"
            "| lr      | 0.1      |\n"
            "+---------+----------+\n"
            "| model   | resnet18 |\n"
            "+---------+----------+\n");
}

TEST(Table, CountsLettersNotBytes) {
  Table table({"größe", "x"});
  table.row({"é", "a"});
  EXPECT_EQ(table.text(), "größe  x\né      a\n");
}

TEST(Table, ACellMayHoldSeveralLines) {
  Table table;
  table.row({"a", "one\nthree"}).row({"b", "x"});
  EXPECT_EQ(table.text(), "a  one\n   three\nb  x\n");
}

TEST(Table, ShortRowsAreFilledUp) {
  Table table({"a"});
  table.row({"1", "2"}).row({});
  EXPECT_EQ(table.text(TableStyle::kAscii),
            "+---+---+\n"
            "| a |   |\n"
            "+---+---+\n"
            "| 1 | 2 |\n"
            "|   |   |\n"
            "+---+---+\n");
}

TEST(Table, WithoutContentIsEmpty) {
  EXPECT_EQ(Table().text(), "");
  EXPECT_EQ(Table().text(TableStyle::kBox), "");
}

}  // namespace
}  // namespace dtrain::render
