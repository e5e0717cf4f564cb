// An evaluation as a folder of files: each is read back by what reads such files.
#include "report/evaluation_files.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "config/json.h"
#include "render/csv_writer.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;
using config::Json;
using dtrain::testing::error_text;
using dtrain::testing::mentions;
using dtrain::testing::names_in;
using predictions::Evaluation;
using render::CsvTable;
using Names = std::vector<std::string>;

// What a class may be called, whoever reads the files.
const Names kNames = {"salt, pepper", "the \"best\"", "two\nlines", "<script>&", "Käse 猫"};

class EvaluationFilesTest : public ::testing::Test {
 protected:
  // 120 samples, every seventh without a target.
  Evaluation evaluation(const Names& names = kNames, const std::string& checkpoint = "run/best") {
    constexpr int64_t kSamples = 120;
    const auto classes = int64_t(names.size());
    predictions::PredictionsHeader header = dtrain::testing::header_of(classes);
    header.class_names = names;
    header.checkpoint = checkpoint;
    dtrain::testing::write_rows(folder_ / "predictions.h5",
                                header,
                                dtrain::testing::index_of(0, kSamples, classes),
                                dtrain::testing::logits_of(0, kSamples, classes));
    return predictions::evaluate(predictions::PredictionsFile(folder_ / "predictions.h5"),
                                 {.hardest = 9});
  }
  CsvTable csv(const std::string& name) const { return render::read_csv(output_ / name); }
  Json json(const std::string& name) const {
    return config::read_json_file((output_ / name).string()).root;
  }
  dtrain::testing::TempFolder folder_;
  const fs::path output_ = folder_ / "new" / "output";
};

TEST_F(EvaluationFilesTest, WithoutPicturesThereIsAllButTheSheet) {
  write_evaluation(output_, evaluation(), nullptr);
  EXPECT_EQ(names_in(output_),
            (Names{"confusion.csv",
                   "confusion.png",
                   "confusion.svg",
                   "hardest.csv",
                   "metrics.json",
                   "per_class.csv",
                   "reliability.png",
                   "reliability.svg"}));
}

TEST_F(EvaluationFilesTest, MetricsAreTheMeasuresToTheLastBit) {
  const Evaluation evaluated = evaluation();
  write_evaluation(output_, evaluated, nullptr);
  const Json metrics = json("metrics.json");
  EXPECT_EQ(metrics.at("dataset"), "pictures/test");
  EXPECT_EQ(metrics.at("checkpoint"), "run/best");
  EXPECT_EQ(metrics.at("samples"), 120);
  EXPECT_EQ(metrics.at("labelled"), evaluated.labelled);
  EXPECT_EQ(metrics.at("temperature"), 1);
  EXPECT_EQ(metrics.at("top1"), evaluated.top1);
  EXPECT_EQ(metrics.at("top5"), evaluated.top5);
  EXPECT_EQ(metrics.at("nll"), evaluated.nll);
  EXPECT_EQ(metrics.at("brier"), evaluated.brier);
  EXPECT_EQ(metrics.at("ece"), evaluated.ece);
  EXPECT_EQ(metrics.at("adaptive_ece"), evaluated.adaptive_ece);
  EXPECT_EQ(metrics.at("macro").at("f1"), evaluated.confusion.macro().f1);
  EXPECT_EQ(metrics.at("weighted").at("recall"), evaluated.confusion.weighted().recall);
}

TEST_F(EvaluationFilesTest, MetricsStayJsonWhateverTheNumbersAndTheNames) {
  Evaluation evaluated = evaluation(kNames, "run\xFF/best");
  evaluated.nll = std::numeric_limits<double>::infinity();
  write_evaluation(output_, evaluated, nullptr);
  const Json metrics = json("metrics.json");
  EXPECT_TRUE(metrics.at("nll").is_null());
  EXPECT_EQ(metrics.at("checkpoint"), "run\xEF\xBF\xBD/best");
}

TEST_F(EvaluationFilesTest, TablesAddUp) {
  const Evaluation evaluated = evaluation();
  write_evaluation(output_, evaluated, nullptr);
  const CsvTable confusion = csv("confusion.csv"), classes = csv("per_class.csv");
  ASSERT_EQ(confusion.rows.size(), kNames.size());
  ASSERT_EQ(classes.rows.size(), kNames.size());
  const auto supports = classes.numbers("samples"), precisions = classes.numbers("precision"),
             recalls = classes.numbers("recall"), f1s = classes.numbers("f1");
  double right = 0, all = 0;
  for (size_t k = 0; k < kNames.size(); ++k) {
    double row = 0;
    for (size_t p = 0; p < kNames.size(); ++p) row += std::stod(confusion.rows[k][p + 1]);
    const std::vector<double> column = confusion.numbers(kNames[k]);
    const double hits = column[k], predicted = std::accumulate(column.begin(), column.end(), 0.0);
    EXPECT_EQ(row, supports[k]);
    EXPECT_DOUBLE_EQ(precisions[k], hits / predicted);
    EXPECT_DOUBLE_EQ(recalls[k], hits / row);
    EXPECT_DOUBLE_EQ(f1s[k], 2 * hits / (predicted + row));
    right += hits;
    all += row;
  }
  EXPECT_EQ(all, double(evaluated.labelled));
  EXPECT_DOUBLE_EQ(right / all, evaluated.top1);
}

TEST_F(EvaluationFilesTest, ClassesKeepTheirNamesWhateverTheyAre) {
  const Evaluation evaluated = evaluation();
  write_evaluation(output_, evaluated, nullptr);
  Names columns = {"target"};
  columns.insert(columns.end(), kNames.begin(), kNames.end());
  const CsvTable confusion = csv("confusion.csv");
  EXPECT_EQ(confusion.columns, columns);
  for (size_t k = 0; k < kNames.size(); ++k) {
    EXPECT_EQ(confusion.rows[k][0], kNames[k]);
    EXPECT_EQ(csv("per_class.csv").rows[k][0], kNames[k]);
  }
  const CsvTable hardest = csv("hardest.csv");
  EXPECT_EQ(hardest.columns, (Names{"id", "path", "target", "predicted", "target_probability"}));
  ASSERT_EQ(hardest.rows.size(), 9U);
  for (size_t i = 0; i < hardest.rows.size(); ++i) {
    const predictions::EvaluatedSample& one = evaluated.hardest[i];
    EXPECT_EQ(hardest.rows[i][0], std::to_string(one.id));
    EXPECT_EQ(hardest.rows[i][1], one.path);
    EXPECT_EQ(hardest.rows[i][2], kNames[size_t(one.target)]);
    EXPECT_EQ(hardest.rows[i][3], kNames[size_t(one.predicted)]);
    EXPECT_EQ(hardest.numbers("target_probability")[i], one.probability);
  }
}

TEST_F(EvaluationFilesTest, PicturesRunNothingAndFetchNothing) {
  write_evaluation(output_, evaluation(), nullptr);
  for (const char* name : {"confusion.svg", "reliability.svg"}) {
    std::string svg = util::read_file(output_ / name);
    EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"")) << name;
    EXPECT_TRUE(svg.ends_with("</svg>\n")) << name;
    svg.erase(0, svg.find('>'));
    for (const char* none : {"<script", "http", "href", "url(", "@import", "<image"}) {
      EXPECT_EQ(svg.find(none), std::string::npos) << name << " has " << none;
    }
  }
  EXPECT_TRUE(mentions(util::read_file(output_ / "confusion.svg"), {"&lt;script&gt;&amp;"}));
  for (const char* name : {"confusion.png", "reliability.png"}) {
    EXPECT_TRUE(util::read_file(output_ / name).starts_with("\x89PNG\r\n\x1a\n")) << name;
  }
}

TEST_F(EvaluationFilesTest, OfTwoFilesListsWhatDiffersAndLeavesUnknownTargetsEmpty) {
  const predictions::Comparison comparison{
      .samples = 9,
      .labelled = 8,
      .counts = {},
      .differing = {{.row = 1, .id = 4, .target = 0, .left = 0, .right = 1, .path = "a,b.png"},
                    {.row = 2, .id = 5, .target = -1, .left = 2, .right = 0, .path = ""}}};
  write_comparison(output_, comparison, kNames, nullptr, 10);
  EXPECT_EQ(names_in(output_), Names{"differing.csv"});
  const CsvTable table = csv("differing.csv");
  EXPECT_EQ(table.columns, (Names{"id", "path", "target", "left", "right"}));
  EXPECT_EQ(table.rows,
            (std::vector<Names>{{"4", "a,b.png", kNames[0], kNames[0], kNames[1]},
                                {"5", "", "", kNames[2], kNames[0]}}));
}

TEST_F(EvaluationFilesTest, AFolderThatCannotBeMadeIsNamed) {
  util::write_file_atomic(folder_ / "new", "a file");
  const Evaluation evaluated = evaluation();
  EXPECT_TRUE(mentions(error_text([&] { write_evaluation(output_, evaluated, nullptr); }),
                       {output_.string()}));
}

}  // namespace
}  // namespace dtrain::report
