// CSV files that list pictures: the grammar, the columns, the splits, and what is refused.
#include "data/datasets/csv_index.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "data/datasets/csv_file.h"
#include "data/datasets/csv_table.h"
#include "data/datasets/subset.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/log.h"
#include "util/random.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::kPictures;
using dtrain::testing::mentions;
using Fields = std::vector<std::string>;
using Targets = std::vector<int64_t>;

struct Record {
  int64_t line;
  Fields fields;
  bool operator==(const Record&) const = default;
};

std::vector<Record> records(const std::string& text) {
  std::vector<Record> all;
  CsvReader reader(text);
  for (Fields fields; reader.next(fields);) all.push_back({reader.line(), fields});
  return all;
}

std::string malformed(const std::string& text) {
  return error_text([&] { records(text); }, ExitCode::kData);
}

TEST(CsvReader, ReadsFieldsQuotesAndLineEnds) {
  EXPECT_EQ(records("a,b\r\nc,\n"), (std::vector<Record>{{1, {"a", "b"}}, {2, {"c", ""}}}));
  EXPECT_EQ(records("a,b"), (std::vector<Record>{{1, {"a", "b"}}}));
  EXPECT_EQ(records("\"x, \"\"y\"\"\",\"\"\nz"),
            (std::vector<Record>{{1, {"x, \"y\"", ""}}, {2, {"z"}}}));
  EXPECT_EQ(records("\"two\r\nlines\",1\nnext,2"),
            (std::vector<Record>{{1, {"two\r\nlines", "1"}}, {3, {"next", "2"}}}));
  EXPECT_EQ(records("\xEF\xBB\xBFpath,label\n"), (std::vector<Record>{{1, {"path", "label"}}}));
  EXPECT_EQ(records("\na\n\r\n\nb\n\n"), (std::vector<Record>{{2, {"a"}}, {5, {"b"}}}));
  EXPECT_EQ(records(" a , b "), (std::vector<Record>{{1, {" a ", " b "}}}));
  EXPECT_EQ(records("caf\xC3\xA9,\xE2\x82\xAC,\xF0\x9F\x8D\x95").size(), 1U);
  EXPECT_TRUE(records("").empty());
  EXPECT_TRUE(records("\xEF\xBB\xBF").empty());
}

TEST(CsvReader, RefusesWhatIsNoCsv) {
  EXPECT_TRUE(mentions(malformed("a,\"b\nc"), {"never closed"}));
  EXPECT_TRUE(mentions(malformed("\""), {"never closed"}));
  EXPECT_TRUE(mentions(malformed("a,\"b\"c"), {"behind a closing quote"}));
  EXPECT_TRUE(mentions(malformed("a,b\"c\""), {"quote inside a field"}));
  EXPECT_TRUE(mentions(malformed("a\rb"), {"carriage return"}));
  EXPECT_TRUE(mentions(malformed("a\r"), {"carriage return"}));
  EXPECT_TRUE(mentions(malformed(std::string("a\0b", 3)), {"zero byte"}));
  EXPECT_TRUE(mentions(malformed("caf\xE9"), {"UTF-8"}));
}

// Overlong, a surrogate, above U+10FFFF, a tail alone, cut.
TEST(CsvReader, RefusesWhatOnlyLooksLikeUtf8) {
  for (const char* text : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82"}) {
    EXPECT_TRUE(mentions(malformed(text), {"UTF-8"})) << text;
  }
}

TEST(CsvReader, LimitsARecord) {
  const std::string most(CsvReader::kMaxRecordBytes - 1, 'x');
  EXPECT_EQ(records(most + "\n" + most).size(), 2U);
  EXPECT_TRUE(mentions(malformed(most + "xx"), {"64 KiB"}));
  EXPECT_TRUE(mentions(malformed("a,\"" + most + "\n" + most), {"64 KiB", "never closed"}));
}

// Bytes changed, dropped and doubled at random: a table and findings, whatever comes.
TEST(CsvTable, ReadsOrRefusesAnyBytes) {
  const std::string text = "path,label,split\r\na/1.jpg,cat,train\n\"b, \"\"c\"\".jpg\",,val\n";
  util::CounterRng rng(5, util::RandomStream::kTest, 0, 0);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = text;
    for (int64_t changes = rng.below(6); changes >= 0; --changes) {
      const auto at = static_cast<size_t>(rng.below(static_cast<int64_t>(damaged.size())));
      const char byte = "\",\r\n\0\xC3\xA9x"[rng.below(8)];
      switch (rng.below(3)) {
        case 0:
          damaged[at] = byte;
          break;
        case 1:
          damaged.insert(at, 1, byte);
          break;
        default:
          damaged.erase(at, 1);
      }
    }
    CsvFindings findings;
    const CsvTable table = read_csv_table(damaged, findings);
    const std::string found = error_text([&] { findings.throw_if_any("x", ""); }, ExitCode::kData);
    refused += found != "no error";
    for (const CsvRow& row : table.rows) {
      EXPECT_FALSE(row.path.empty());
      EXPECT_LT(static_cast<size_t>(row.label), table.labels.size());
    }
    if (found == "no error" && table.has_splits) {
      for (const CsvRow& row : table.rows) EXPECT_FALSE(row.split.empty());
    }
  }
  EXPECT_GT(refused, 5000);
  EXPECT_LT(refused, 20000);
}

class CsvIndexTest : public ::testing::Test {
 protected:
  void add(const std::string& path) const {
    fs::create_directories((folder_ / path).parent_path());
    fs::copy_file(kPictures / "jpeg_420.jpg", folder_ / path);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  // `file` is empty for the folder.
  CsvIndex open(const std::string& file,
                const std::string& split = "train",
                int64_t limit = 0) const {
    return CsvIndex({.name = "csv/" + split,
                     .path = file.empty() ? folder_.path() : folder_ / file,
                     .split = split,
                     .class_split = "train",
                     .limit = limit,
                     .advice = "write another one"});
  }
  // Of one file with these rows.
  std::string refusal(const std::string& rows, const std::string& split = "train") const {
    write("x.csv", rows);
    return error_text([&] { open("x.csv", split); }, ExitCode::kData);
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(CsvIndexTest, OneFileHoldsAllSplitsByAColumn) {
  for (const char* path : {"a/1.jpg", "a/2, dark.jpg", "b.jpg", "c.jpg", "d.jpg"}) add(path);
  write("all.csv",
        "label,id,path,split\r\n"
        "dog,7,a/1.jpg,train\r\n"
        "cat,8,\"a/2, dark.jpg\",training\r\n"
        "dog,9,b.jpg,val\r\n"
        ",10,c.jpg,train\r\n"
        ",11,d.jpg,unlabeled\r\n");
  const CsvIndex train = open("all.csv"), eval = open("all.csv", "validation");
  EXPECT_EQ(train.class_names(), (Fields{"cat", "dog"}));
  EXPECT_EQ(targets_of(train), (Targets{1, 0, kUnlabelled}));
  EXPECT_EQ(train.path(1), folder_ / "a/2, dark.jpg");
  Sample sample;
  train.read(1, sample);
  EXPECT_EQ(sample.target, 0);
  EXPECT_EQ(sample.id, 1);
  EXPECT_EQ(sample.encoded, dtrain::testing::bytes_of(kPictures / "jpeg_420.jpg"));
  EXPECT_TRUE(mentions(train.describe(1), {"sample 1 of csv/train", "a/2, dark.jpg"}));
  EXPECT_EQ(eval.class_names(), train.class_names());
  EXPECT_EQ(targets_of(eval), (Targets{1}));
  EXPECT_EQ(targets_of(open("all.csv", "unlabeled")), (Targets{kUnlabelled}));
  EXPECT_EQ(CsvIndex::splits(folder_ / "all.csv"), (Fields{"train", "validation", "unlabeled"}));
}

TEST_F(CsvIndexTest, AFolderHoldsOneFileForEachSplit) {
  for (const char* path : {"1.jpg", "2.jpg", "3.jpg"}) add(path);
  write("train.csv", "path,label\n1.jpg,b\n2.jpg,a\n");
  write("val.csv", "path,label\n3.jpg,b\n");
  EXPECT_EQ(targets_of(open("")), (Targets{1, 0}));
  EXPECT_EQ(targets_of(open("", "validation")), (Targets{1}));
  EXPECT_EQ(CsvIndex::splits(folder_.path()), (Fields{"train", "validation"}));
  EXPECT_TRUE(mentions(error_text([&] { open("", "test"); }, ExitCode::kData),
                       {"test.csv, testing.csv", folder_.path().string()}));
}

TEST_F(CsvIndexTest, ClassesAreNumbersWhereAllLabelsAre) {
  for (const char* path : {"1.jpg", "2.jpg", "3.jpg"}) add(path);
  write("x.csv", "path,label\n1.jpg,10\n2.jpg,2\n3.jpg,007\n");
  const CsvIndex numbers = open("x.csv");
  EXPECT_EQ(numbers.num_classes(), 11);
  EXPECT_EQ(numbers.class_names()[10], "10");
  EXPECT_EQ(targets_of(numbers), (Targets{10, 2, 7}));
  write("x.csv", "path,label\n1.jpg,10\n2.jpg,2\n3.jpg,x\n");
  EXPECT_EQ(open("x.csv").class_names(), (Fields{"10", "2", "x"}));
}

TEST_F(CsvIndexTest, ALimitTakesEvenlySpreadRows) {
  std::string rows = "path,label\n";
  for (int i = 0; i < 9; ++i) {
    add(std::to_string(i) + ".jpg");
    rows += std::to_string(i) + ".jpg," + std::to_string(i / 3) + "\n";
  }
  write("x.csv", rows);
  EXPECT_EQ(targets_of(open("x.csv", "train", 3)), (Targets{0, 1, 2}));
  EXPECT_EQ(open("x.csv", "train", 100).size(), 9);
}

TEST_F(CsvIndexTest, FingerprintFollowsRowsAndSizes) {
  add("1.jpg");
  add("2.jpg");
  write("x.csv", "path,label\n1.jpg,a\n2.jpg,b\n");
  const std::string before = open("x.csv").fingerprint();
  write("x.csv", "note,path,label\nx,1.jpg,a\ny,2.jpg,b\n");
  EXPECT_EQ(open("x.csv").fingerprint(), before);
  write("x.csv", "path,label\n1.jpg,b\n2.jpg,a\n");
  EXPECT_NE(open("x.csv").fingerprint(), before);
}

TEST_F(CsvIndexTest, HeadersThatDoNotFitAreRefused) {
  EXPECT_TRUE(mentions(refusal(""), {"x.csv", "empty"}));
  EXPECT_TRUE(
      mentions(refusal("path;label\n1.jpg;a\n"), {"not separated by commas", "path;label"}));
  EXPECT_TRUE(mentions(refusal("path,label,path\n"), {"line 1", "path twice"}));
  EXPECT_TRUE(mentions(refusal("path,label\n"), {"x.csv"}));
}

TEST_F(CsvIndexTest, ColumnsAreFoundByTheirUsualNamesOrByOptions) {
  for (const char* path : {"1.jpg", "2.jpg"}) add(path);
  write("x.csv", "Filename,Class,area\n1.jpg,cat,3\n2.jpg,dog,4\n");
  const dtrain::testing::TempFolder logs;
  util::log().add_file(logs / "log.txt");
  EXPECT_EQ(targets_of(open("x.csv")), (Targets{0, 1}));
  util::log().remove_files();
  EXPECT_TRUE(mentions(util::read_file(logs / "log.txt"),
                       {"x.csv: read column Filename as path, column Class as label"}));
  CsvIndexOptions options{.name = "csv/train", .path = folder_ / "x.csv"};
  options.csv = {.path_column = "Filename", .label_column = "area"};
  EXPECT_EQ(CsvIndex(options).num_classes(), 5);
  options.csv.label_column = "colour";
  EXPECT_TRUE(
      mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData),
               {"no column colour, only: Filename | Class | area", "data.csv_label_column"}));
  options.csv = {.split_column = "part"};
  EXPECT_TRUE(mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData),
                       {"no column part", "data.csv_split_column"}));
}

TEST_F(CsvIndexTest, SeveralColumnsThatCouldBeMeantAreRefused) {
  EXPECT_TRUE(mentions(refusal("image,file,label\n1.jpg,1.jpg,a\n"),
                       {"several that could be meant: image | file", "data.csv_path_column"}));
}

TEST_F(CsvIndexTest, AbsolutePathsAreReadWhereTheyAreAllowed) {
  const dtrain::testing::TempFolder elsewhere;
  fs::copy_file(kPictures / "jpeg_420.jpg", elsewhere / "x.jpg");
  const std::string path = (elsewhere / "x.jpg").string();
  write("x.csv", "path,label\n" + path + ",a\n");
  CsvIndexOptions options{.name = "csv/train", .path = folder_ / "x.csv"};
  EXPECT_TRUE(mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData),
                       {"absolute", "data.csv_absolute_paths"}));
  options.csv.absolute_paths = true;
  const CsvIndex index(options);
  EXPECT_EQ(index.path(0), path);
  write("x.csv", "path,label\n../x.jpg,a\n");
  EXPECT_TRUE(mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData),
                       {"line 2: path ../x.jpg leaves"}));
  write("x.csv", "path,label\n" + (elsewhere / "gone.jpg").string() + ",a\n");
  EXPECT_TRUE(mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData),
                       {"line 2: there is no file"}));
}

// Of a network that predicts: the file need not have all classes, nor the split they are from.
TEST_F(CsvIndexTest, LabelsBecomeTheClassesThatAreKnown) {
  for (const char* path : {"1.jpg", "2.jpg", "3.jpg"}) add(path);
  write("x.csv", "path,label\n1.jpg,Soup\n2.jpg,Egg\n3.jpg,\n");
  CsvIndexOptions options{.name = "csv/test", .path = folder_ / "x.csv", .split = "test"};
  options.known_classes = {"Bread", "Egg", "Rice", "Soup"};
  const CsvIndex index(options);
  EXPECT_EQ(targets_of(index), (Targets{3, 1, kUnlabelled}));
  EXPECT_EQ(index.class_names(), options.known_classes);
  write("x.csv", "path,label\n1.jpg,Soup\n2.jpg,Tea\n3.jpg,Cola\n");
  EXPECT_TRUE(mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData),
                       {"line 3: the network knows no class Tea", "line 4", "Cola"}));
}

TEST_F(CsvIndexTest, ProblemsAreListedByLineAndTheRestCounted) {
  add("1.jpg");
  const std::string text = refusal("path,label\n1.jpg,a\n\n1.jpg\n1.jpg,-1\n1.jpg, a\n,a\n");
  EXPECT_TRUE(mentions(text,
                       {"4 problems",
                        "line 4: expected 2 fields, found 1",
                        "line 5: label -1 is negative",
                        "line 6: label ' a' begins",
                        "line 7: the path is empty"}))
      << text;
  std::string rows = "path,label\n1.jpg,a\n";
  for (int i = 0; i < 25; ++i) rows += "missing" + std::to_string(i) + ".jpg,a\n";
  const std::string many = refusal(rows);
  EXPECT_TRUE(mentions(many, {"line 3: there is no file missing0.jpg", "line 12", "and 15 more"}))
      << many;
  EXPECT_FALSE(mentions(many, {"line 13"}));
  const std::string broken = refusal("path,label\n1.jpg\n\"1.jpg\"x,a\n1.jpg\n");
  EXPECT_TRUE(mentions(broken, {"2 problems", "line 2", "line 3: goes on behind"})) << broken;
}

TEST_F(CsvIndexTest, PathsThatLeaveTheFolderAreRefused) {
  add("1.jpg");
  const dtrain::testing::TempFolder elsewhere;
  fs::copy_file(kPictures / "jpeg_420.jpg", elsewhere / "x.jpg");
  fs::create_symlink(elsewhere / "x.jpg", folder_ / "out.jpg");
  fs::create_directory_symlink(elsewhere.path(), folder_ / "away");
  fs::create_symlink("1.jpg", folder_ / "in.jpg");
  fs::create_symlink("nowhere.jpg", folder_ / "lost.jpg");
  fs::create_directory(folder_ / "folder.jpg");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.jpg").c_str(), 0600), 0);
  const auto row = [&](const std::string& path) {
    return refusal("path,label\n1.jpg,a\n" + path + ",a\n");
  };
  EXPECT_TRUE(mentions(row((elsewhere / "x.jpg").string()), {"line 3", "absolute"}));
  EXPECT_TRUE(mentions(row("../x.jpg"), {"line 3", "leaves"}));
  EXPECT_TRUE(mentions(row("a/../../x.jpg"), {"leaves"}));
  EXPECT_TRUE(mentions(row("out.jpg"), {"out.jpg leads out", "data.follow_links=true"}));
  EXPECT_TRUE(mentions(row("away/x.jpg"), {"away/x.jpg leads out"}));
  EXPECT_TRUE(mentions(row("lost.jpg"), {"leads nowhere"}));
  EXPECT_TRUE(mentions(row("pipe.jpg"), {"not a regular file"}));
  EXPECT_TRUE(mentions(row("folder.jpg"), {"not a regular file"}));
  EXPECT_TRUE(mentions(row("\"1.jpg\n\""), {"control character"}));
  EXPECT_TRUE(mentions(row(std::string(5000, 'x')), {"4096"}));
  EXPECT_EQ(row("in.jpg"), "no error");
  // Links may be allowed; paths of the CSV itself still stay below its folder.
  std::ofstream(folder_ / "links.csv") << "path,label\nout.jpg,a\naway/x.jpg,a\n";
  CsvIndexOptions options{.name = "csv/train", .path = folder_ / "links.csv"};
  EXPECT_TRUE(mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData), {"leads out"}));
  options.csv.follow_links = true;
  EXPECT_EQ(CsvIndex(options).size(), 2);
  std::ofstream(folder_ / "links.csv", std::ios::app) << "../x.jpg,a\n";
  EXPECT_TRUE(mentions(error_text([&] { CsvIndex{options}; }, ExitCode::kData), {"leaves"}));
}

TEST_F(CsvIndexTest, SplitsThatDoNotFitAreRefused) {
  add("1.jpg");
  const std::string all = "path,label,split\n1.jpg,a,train\n1.jpg,b,test\n";
  EXPECT_TRUE(mentions(refusal(all, "test"), {"line 3", "split train has no class b"}));
  EXPECT_TRUE(mentions(refusal(all, "validation"), {"no row of split validation"}));
  EXPECT_TRUE(mentions(refusal("path,label,split\n1.jpg,a,tain\n"), {"'tain' is no split"}));
  EXPECT_TRUE(
      mentions(refusal("path,label\n1.jpg,a\n", "test"), {"no column split", "data.holdout"}));
  EXPECT_TRUE(mentions(refusal("path,label\n1.jpg,\n"), {"no row of split train has a label"}));
  write("train.csv", all);
  EXPECT_TRUE(mentions(error_text([&] { open(""); }, ExitCode::kData),
                       {"line 3", "is of split test, the file of train"}));
}

}  // namespace
}  // namespace dtrain::data
