// The page of a run, at whatever stage it is.
#include "report/run_page.h"

#include <gtest/gtest.h>

#include "settings/run_config.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"
#include "util/atomic_file.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::mentions;

constexpr const char* kColumns =
    "epoch,train_loss,train_top1,train_top5,eval_loss,eval_top1,eval_top5,lr,step,seconds,"
    "images_per_second\n";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class RunPageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dtrain::testing::write_tiny_idx(data_.path());
    config_.data.dataset = "idx";
    config_.data.data_dir = data_.path().string();
    config_.data.eval_split = "test";
    config_.run.epochs = 4;
    fs::create_directory(run_);
    write("config.json", settings::effective_config(config_));
  }
  void write(const std::string& name, const std::string& text) const {
    util::write_file_atomic(run_ / name, text);
  }
  void summary(const std::string& rows) const { write("summary.csv", kColumns + rows); }
  void predict(const std::string& name, bool labelled, const std::string& fingerprint) const {
    predictions::PredictionsHeader header = dtrain::testing::header_of(4);
    header.data_fingerprint = fingerprint;
    predictions::PredictionsIndex index = dtrain::testing::index_of(0, 32, 4);
    if (!labelled) index.targets.assign(32, -1);
    dtrain::testing::write_rows(run_ / name, header, index, dtrain::testing::logits_of(0, 32, 4));
  }
  std::string page() const { return run_page(run_, {}).text(); }
  std::string page_with_data_in(const std::string& folder) const {
    return run_page(run_, {.of_run = {{"data.data_dir", folder, "command line"}}}).text();
  }
  dtrain::testing::TempFolder folder_, data_;
  const fs::path run_ = folder_ / "20250131-120000-tiny";
  settings::RunConfig config_;
};

TEST_F(RunPageTest, ARunWithoutAnEpochSaysSoAndHowToGoOn) {
  const std::string html = page();
  EXPECT_TRUE(mentions(html,
                       {"<title>20250131-120000-tiny</title>",
                        "resnet18 on idx, 4 epochs, seed 42",
                        "No epoch of this run is complete yet.",
                        "dtrain predict --checkpoint " + run_.string(),
                        "optimizer.lr"}));
  EXPECT_FALSE(has(html, ">Curves</h2>"));
}

TEST_F(RunPageTest, ARunThatHasJustBegunHasNoBestEpoch) {
  summary("");
  const std::string html = page();
  EXPECT_TRUE(
      mentions(html, {"<dt>epochs</dt><dd>0 of 4</dd>", "<dt>training loss</dt><dd>-</dd>"}));
  EXPECT_FALSE(has(html, "best accuracy"));
}

TEST_F(RunPageTest, AnEpochWithoutEvaluationIsNeitherTheBestNorTheLast) {
  summary(
      "0,2,30,80,,,,0.1,10,1,100\n"
      "1,1.5,40,85,1.25,50,90,0.1,20,2,100\n"
      "2,1,50,90,,,,0.1,30,1,100\n"
      "3,0.5,60,95,1.5,45,88,0.1,40,2,100\n"
      "4,0.25,70,99,,,,0.1,50,3600,99.7\n");
  EXPECT_TRUE(mentions(page(),
                       {"<dt>best accuracy, %</dt><dd>50.000</dd>",
                        "<dt>in epoch</dt><dd>1</dd>",
                        "<dt>last accuracy, %</dt><dd>45.000</dd>",
                        "<dt>evaluation loss</dt><dd>1.5000</dd>",
                        "<dt>training loss</dt><dd>0.2500</dd>",
                        "<dt>time of all epochs</dt><dd>1:00:06</dd>",
                        "<dt>images/s</dt><dd>100</dd>"}));
}

TEST_F(RunPageTest, ARunThatNeverEvaluatedHasNoBestEpoch) {
  summary("0,2,30,80,,,,0.1,10,1,100\n");
  const std::string html = page();
  EXPECT_FALSE(has(html, "best accuracy"));
  EXPECT_TRUE(mentions(html, {"<dt>evaluation loss</dt><dd>-</dd>"}));
}

TEST_F(RunPageTest, HasAPartForEachFileOfPredictions) {
  predict("predictions-eval.h5",
          true,
          data::open_dataset(config_.data, data::Split::kEval)->fingerprint());
  predict("predictions-other.h5", true, "other data");
  predict("predictions-unlabeled.h5", false, "no labels");
  const std::string html = page();
  EXPECT_TRUE(mentions(html,
                       {">predictions-eval</h2>",
                        ">predictions-other</h2>",
                        ">predictions-unlabeled</h2>",
                        "32 samples of pictures/test without targets."}));
  // Only of the first is it known what the samples look like.
  EXPECT_EQ(html.find("Hardest samples"), html.rfind("Hardest samples"));
  EXPECT_TRUE(has(html, "Hardest samples"));
  EXPECT_FALSE(has(html, "writes them here"));
  // The data have moved.
  EXPECT_FALSE(has(page_with_data_in("/nowhere"), "Hardest"));
  EXPECT_TRUE(has(page_with_data_in(data_.path().string()), "Hardest"));
}

TEST_F(RunPageTest, DamagedPredictionsAreRefusedByName) {
  write("predictions-eval.h5", "no HDF5");
  EXPECT_TRUE(mentions(dtrain::testing::error_text([&] { page(); }, ExitCode::kData),
                       {"predictions-eval.h5"}));
}

TEST_F(RunPageTest, ShowsTheEndOfTheLog) {
  std::string log;
  for (int i = 0; i < 300; ++i) log += "line " + std::to_string(i) + "<\n";
  write("log.txt", log);
  const std::string html = page();
  EXPECT_TRUE(mentions(html, {"<pre>line 100&lt;\nline 101&lt;\n", "line 299&lt;\n</pre>"}));
  write("log.txt", "one line");
  EXPECT_TRUE(mentions(page(), {"<pre>one line\n</pre>"}));
}

}  // namespace
}  // namespace dtrain::report
