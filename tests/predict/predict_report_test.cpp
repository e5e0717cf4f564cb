// What a prediction says beside its files.
#include "predict/predict_report.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>

#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"
#include "util/atomic_file.h"
#include "util/log.h"

namespace dtrain::predict {
namespace {

using dtrain::testing::mentions;

class PredictReportTest : public ::testing::Test {
 protected:
  // What is said of the logits (4, V, 4) of four samples, in two batches.
  std::string said(const at::Tensor& logits, const PredictConfig& config = {}) const {
    const dtrain::testing::TinyDataset dataset({.train = 4});
    predictions::PredictionsHeader header;
    header.class_names = dataset.class_names();
    header.checkpoint = "run/step-7";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
    util::log().set_terminal(file.get());
    PredictReport report(config, dataset, header, "", false);
    for (int64_t first = 0; first < 4; first += 2) {
      report.add({first, at::arange(first, first + 2, at::kLong), logits.narrow(0, first, 2)});
    }
    report.finish();
    util::log().set_terminal(nullptr);
    std::string text(size_t(std::ftell(file.get())), '\0');
    std::rewind(file.get());
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    return text;
  }
  static at::Tensor logits(int64_t views) {
    return at::arange(4 * views * 4, at::kFloat).reshape({4, views, 4});
  }
};

TEST_F(PredictReportTest, WarnsOnceOfLogitsThatAreNotFinite) {
  for (const double broken : {double(NAN),
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity()}) {
    at::Tensor values = logits(2);
    values[1][1][3] = broken;
    values[2][0].fill_(broken);
    const std::string text = said(values);
    EXPECT_TRUE(mentions(text,
                         {"warning: run/step-7 gives logits that are not finite for 2 of 4 samples",
                          "the first of them sample 1 of tiny",
                          "the network is broken"}));
    EXPECT_EQ(text.find("warning"), text.rfind("warning"));
    EXPECT_EQ(text.find("--precision"), std::string::npos);
  }
  at::Tensor values = logits(1);
  values[3][0][0] = NAN;
  PredictConfig narrow;
  narrow.precision = "float16";
  EXPECT_TRUE(mentions(said(values, narrow), {"1 of 4", "sample 3", "--precision float16"}));
}

// Views that agree leave classes without a vote, whose merged logits are minus infinity.
TEST_F(PredictReportTest, SaysNothingOfMergedViewsThatAreMinusInfinity) {
  PredictConfig vote;
  vote.merge = "vote";
  EXPECT_EQ(said(logits(2), vote).find("warning"), std::string::npos);
}

class ShownClassesTest : public ::testing::Test {
 protected:
  // What is said of so many pictures, whose files may be written to folder_.
  std::string said(int64_t pictures, const PredictConfig& config = {}) const {
    const dtrain::testing::TinyDataset dataset({.train = pictures});
    predictions::PredictionsHeader header;
    header.class_names = dataset.class_names();
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
    util::log().set_terminal(file.get());
    PredictReport report(config, dataset, header, "", /*prints_classes=*/true);
    report.add({0,
                at::arange(pictures, at::kLong),
                at::arange(pictures * 4, at::kFloat).reshape({pictures, 1, 4}).remainder(4)});
    report.finish();
    util::log().set_terminal(nullptr);
    std::string text(size_t(std::ftell(file.get())), '\0');
    std::rewind(file.get());
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    return text;
  }
  dtrain::testing::TempFolder folder_;
};

TEST_F(ShownClassesTest, AreThoseOfTheFirstTwentyPictures) {
  EXPECT_TRUE(mentions(said(20), {"sample 19 of tiny"}));
  EXPECT_EQ(said(20).find("more;"), std::string::npos);
  const std::string text = said(360);
  EXPECT_EQ(text.find("sample 20 of tiny"), std::string::npos);
  EXPECT_TRUE(mentions(text, {"... and 340 more; --csv FILE"}));
}

TEST_F(ShownClassesTest, AreNotPrintedWhereAFileHasThem) {
  PredictConfig config;
  config.csv = folder_ / "x.csv";
  const std::string text = said(4, config);
  EXPECT_EQ(text.find("sample 1 of tiny"), std::string::npos);
  EXPECT_TRUE(mentions(text, {"Predicted: 4 samples", config.csv}));
}

TEST_F(ShownClassesTest, StandWithAllProbabilitiesInATable) {
  PredictConfig config;
  config.probabilities = folder_ / "p.csv";
  said(2, config);
  // softmax of 0, 1, 2, 3
  const std::string shares = "0.032059,0.087144,0.236883,0.643914\n";
  const std::string text = util::read_file(config.probabilities);
  const std::string header = text.substr(0, text.find('\n') + 1);
  EXPECT_TRUE(header.starts_with("path,class,index,p_"));
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), 6);
  const dtrain::testing::TinyDataset dataset({.train = 2});
  const std::string best = dataset.class_names()[3];
  EXPECT_EQ(text, header + "0," + best + ",3," + shares + "1," + best + ",3," + shares);
}

}  // namespace
}  // namespace dtrain::predict
