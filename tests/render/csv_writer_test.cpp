// summary.csv over the life of a run: started, killed, resumed, opened by the wrong run.
#include "render/csv_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace dtrain::render {
namespace {

using dtrain::testing::error_text;
using dtrain::testing::names_in;
using dtrain::testing::TempFolder;
using dtrain::testing::with_file_size_limit;

const std::vector<std::string> kColumns = {"epoch", "loss", "note"};

class CsvWriterTest : public ::testing::Test {
 protected:
  std::string content() { return util::read_file(path_); }
  void put(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "summary.csv";
};

TEST_F(CsvWriterTest, WritesTheHeaderOnceAndRowsAsTheyCome) {
  {
    CsvWriter csv(path_, kColumns);
    EXPECT_EQ(content(), "epoch,loss,note\n");
    csv.row({int64_t{0}, 2.5, std::string("first")});
    EXPECT_EQ(content(), "epoch,loss,note\n0,2.5,first\n");
  }
  CsvWriter csv(path_, kColumns);
  csv.row({int64_t{1}, CsvCell(), CsvCell()});
  EXPECT_EQ(content(), "epoch,loss,note\n0,2.5,first\n1,,\n");
}

TEST_F(CsvWriterTest, NumbersReadBackAsTheSameNumbers) {
  const std::vector<double> values = {0.1,
                                      1.0 / 3,
                                      1e-300,
                                      5e-324,
                                      123456789.125,
                                      -0.0,
                                      std::numeric_limits<double>::max(),
                                      INFINITY};
  {
    CsvWriter csv(path_, {"x"});
    for (double value : values) csv.row({value});
    csv.row({std::nan("")});
  }
  std::vector<double> read = read_csv(path_).numbers("x");
  ASSERT_EQ(read.size(), values.size() + 1);
  EXPECT_TRUE(std::isnan(read.back()));
  read.pop_back();
  EXPECT_EQ(read, values);
}

TEST_F(CsvWriterTest, TextWithCommasQuotesAndLineEndsComesBack) {
  const std::string odd = "a, \"b\"\nc";
  {
    CsvWriter csv(path_, {"text", "odd, name"});
    csv.row({odd, int64_t{7}});
  }
  CsvTable table = read_csv(path_);
  EXPECT_EQ(table.columns, (std::vector<std::string>{"text", "odd, name"}));
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0][0], odd);
  EXPECT_EQ(table.numbers("odd, name"), std::vector<double>{7});
  CsvWriter(path_, {"text", "odd, name"}).truncate_after("odd, name", 6);
  EXPECT_TRUE(read_csv(path_).rows.empty());
}

TEST_F(CsvWriterTest, AResumeDropsTheEpochsThatAreTrainedAgain) {
  {
    CsvWriter csv(path_, kColumns);
    for (int64_t epoch = 0; epoch < 12; ++epoch) csv.row({epoch, 1.0, CsvCell()});
  }
  CsvWriter csv(path_, kColumns);
  csv.truncate_after("epoch", 9);
  csv.row({int64_t{10}, 2.0, CsvCell()});
  std::vector<double> epochs = read_csv(path_).numbers("epoch");
  EXPECT_EQ(epochs, (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(read_csv(path_).numbers("loss").back(), 2.0);
  csv.truncate_after("epoch", -1);
  EXPECT_EQ(content(), "epoch,loss,note\n");
  csv.row({int64_t{0}, 3.0, CsvCell()});
  EXPECT_EQ(content(), "epoch,loss,note\n0,3,\n");
  EXPECT_EQ(names_in(folder_.path()).size(), 1u);
}

TEST_F(CsvWriterTest, HalfARowOfAKilledRunIsRemoved) {
  put("epoch,loss,note\n0,2.5,\n1,2");
  CsvWriter csv(path_, kColumns);
  csv.row({int64_t{1}, 2.25, CsvCell()});
  EXPECT_EQ(content(), "epoch,loss,note\n0,2.5,\n1,2.25,\n");
}

TEST_F(CsvWriterTest, HalfAHeaderOfAKilledRunIsCompleted) {
  put("epoch,lo");
  CsvWriter csv(path_, kColumns);
  EXPECT_EQ(content(), "epoch,loss,note\n");
}

TEST_F(CsvWriterTest, AnotherHeaderIsRefusedAndTheFileLeftAlone) {
  for (const char* other : {"epoch,loss\n0,1\n", "epoch,loss,note,more\n", "hello", "\n"}) {
    put(other);
    std::string text = error_text([&] { CsvWriter(path_, kColumns); }, ExitCode::kConfig);
    EXPECT_NE(text.find("summary.csv: its columns differ from those of this run (epoch,loss,note)"),
              std::string::npos)
        << text;
    EXPECT_EQ(content(), other);
  }
}

TEST_F(CsvWriterTest, AFileFromASpreadsheetWithItsLineEndsIsAccepted) {
  put("epoch,loss,note\r\n0,\"2.5\",x\r\n");
  CsvWriter csv(path_, kColumns);
  EXPECT_EQ(read_csv(path_).numbers("loss"), std::vector<double>{2.5});
  EXPECT_EQ(read_csv(path_).rows[0][2], "x");
}

TEST_F(CsvWriterTest, AFullDiskIsAnErrorAndLeavesWholeRows) {
  EXPECT_TRUE(with_file_size_limit(100, [&] {
    CsvWriter csv(path_, kColumns);
    std::string text = error_text([&] {
      for (int64_t epoch = 0; epoch < 100; ++epoch) csv.row({epoch, 0.5, std::string("text")});
    });
    return text.find("summary.csv: File too large") != std::string::npos;
  }));
  EXPECT_EQ(content().back(), '\n');
  EXPECT_GT(read_csv(path_).rows.size(), 3u);
}

TEST_F(CsvWriterTest, AMissingColumnHasNoNumbers) {
  put("epoch\n1\n");
  EXPECT_TRUE(read_csv(path_).has("epoch"));
  EXPECT_FALSE(read_csv(path_).has("loss"));
  EXPECT_TRUE(read_csv(path_).numbers("loss").empty());
}

TEST_F(CsvWriterTest, ARowOfAnotherLengthIsNamed) {
  put("epoch,loss\n1,2\n1\n");
  EXPECT_NE(error_text([&] { read_csv(path_); }).find("summary.csv, row 2: has 1 cells"),
            std::string::npos);
}

TEST_F(CsvWriterTest, AnEmptyFileIsAnEmptyTable) {
  put("");
  EXPECT_TRUE(read_csv(path_).columns.empty());
}

}  // namespace
}  // namespace dtrain::render
