#include "report/run_page.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "predictions/calibration_record.h"
#include "render/csv_writer.h"
#include "report/evaluation_section.h"
#include "report/predicting_checkpoint.h"
#include "settings/run_config.h"
#include "settings/run_folder.h"
#include "settings/summary_columns.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;
using render::HtmlPage;

constexpr size_t kLogLines = 200;

double value_at(const std::vector<double>& values, size_t i) {
  return i < values.size() ? values[i] : NAN;
}

double last_of(const std::vector<double>& values) { return values.empty() ? NAN : values.back(); }

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::isfinite(value) ? value : 0;
  return sum;
}

// Epochs of which there is an accuracy: eval_interval leaves some out.
struct Evaluated {
  std::optional<size_t> best, last;
};
Evaluated evaluated_epochs(const std::vector<double>& top1) {
  Evaluated found;
  for (size_t i = 0; i < top1.size(); ++i) {
    if (!std::isfinite(top1[i])) continue;
    if (!found.best || top1[i] > top1[*found.best]) found.best = i;
    found.last = i;
  }
  return found;
}

void add_result(HtmlPage& page,
                const settings::RunConfig& config,
                const render::CsvTable& summary) {
  page.section("Result");
  const std::vector<double> top1 = summary.numbers(settings::eval_column("top1")),
                            loss = summary.numbers(settings::eval_column("loss")),
                            epoch = summary.numbers(settings::kEpochColumn);
  const auto [best, last] = evaluated_epochs(top1);
  std::vector<std::pair<std::string, std::string>> facts;
  if (best) {
    facts.emplace_back("best accuracy, %", util::number(top1[*best], "%.3f"));
    facts.emplace_back("in epoch", util::number(value_at(epoch, *best), "%.0f"));
    facts.emplace_back("last accuracy, %", util::number(top1[*last], "%.3f"));
  }
  facts.emplace_back(
      "training loss",
      util::number(last_of(summary.numbers(settings::train_column("loss"))), "%.4f"));
  facts.emplace_back("evaluation loss", last ? util::number(value_at(loss, *last), "%.4f") : "-");
  facts.emplace_back("epochs",
                     std::to_string(epoch.size()) + " of " + std::to_string(config.run.epochs));
  facts.emplace_back("time of all epochs",
                     util::clock_text(sum_of(summary.numbers(settings::kSecondsColumn)) + 0.5));
  facts.emplace_back("images/s",
                     util::number(last_of(summary.numbers(settings::kSpeedColumn)), "%.0f"));
  page.facts(facts);
}

void add_curves(HtmlPage& page,
                const settings::RunFolder& folder,
                const render::CsvTable& summary) {
  page.section("Curves");
  if (fs::exists(folder.curves())) {
    page.figure(util::read_file(folder.curves()), "Loss, accuracy and learning rate", "");
  }
  page.details("All epochs", {.header = summary.columns, .rows = summary.rows});
}

std::vector<fs::path> predictions_in(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("predictions") && name.ends_with(".h5")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void add_predictions(HtmlPage& page,
                     const fs::path& path,
                     const settings::RunConfig& config,
                     const PageOptions& options) {
  const predictions::PredictionsFile file(path);
  const auto& targets = file.index().targets;
  page.section(path.stem().string());
  if (std::all_of(targets.begin(), targets.end(), [](int64_t target) { return target < 0; })) {
    page.paragraph(std::to_string(file.size()) + " samples of " + file.header().dataset +
                   " without targets.");
    return;
  }
  const auto evaluation = predictions::evaluate(file, {.hardest = options.hardest});
  const auto pictures = SamplePictures::open(config, file.header());
  add_evaluation(page, evaluation, pictures.get());
  const auto checkpoint = report::predicting_checkpoint(file, "");
  if (!checkpoint) return;
  const auto calibration = predictions::kept_calibration(*checkpoint, file.header());
  if (calibration) add_calibration(page, *calibration, "Calibration");
}

// The last lines, from the start of one.
std::string tail_of(const std::string& text) {
  size_t at = text.size();
  for (size_t lines = 0; at > 0 && lines <= kLogLines; ++lines) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return text;
  }
  return at == 0 ? text : text.substr(at + 1);
}

}  // namespace

HtmlPage run_page(const fs::path& run, const PageOptions& options) {
  const settings::RunFolder folder{run};
  settings::RunConfig config = settings::load_run_config(folder.config().string(), {});
  const std::string settings = settings::values_table(config);
  settings::apply(config, options.of_run);
  HtmlPage page(fs::weakly_canonical(run).filename().string(),
                config.model.name + " on " + config.data.dataset + ", " +
                    std::to_string(config.run.epochs) + " epochs, seed " +
                    std::to_string(config.run.seed));
  if (fs::exists(folder.summary())) {
    const render::CsvTable summary = render::read_csv(folder.summary());
    add_result(page, config, summary);
    add_curves(page, folder, summary);
  } else {
    page.warning("No epoch of this run is complete yet.");
  }
  const std::vector<fs::path> predictions = predictions_in(run);
  for (const fs::path& path : predictions) add_predictions(page, path, config, options);
  if (predictions.empty()) {
    page.section("Predictions");
    page.paragraph("None yet: dtrain predict --checkpoint " + run.string() +
                   " writes them here, and the next report shows confusions, calibration and the "
                   "hardest samples.");
  }
  page.section("Settings");
  page.details("Every setting and where it came from", settings);
  if (fs::exists(folder.log())) {
    page.details("The end of the log", tail_of(util::read_file(folder.log())));
  }
  return page;
}

}  // namespace dtrain::report
