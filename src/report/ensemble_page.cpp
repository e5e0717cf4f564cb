#include "report/ensemble_page.h"

#include <memory>
#include <string>
#include <utility>

#include "predictions/calibration_record.h"
#include "render/csv_writer.h"
#include "render/plot.h"
#include "report/cross_validation_text.h"
#include "report/evaluation_section.h"
#include "report/predicting_checkpoint.h"
#include "report/vote_record.h"
#include "report/vote_report.h"
#include "settings/run_config.h"
#include "settings/run_folder.h"
#include "settings/summary_columns.h"
#include "util/atomic_file.h"
#include "util/text.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;
using render::HtmlPage;

settings::RunFolder folder_of(const predictions::VoteResult::Member& member) {
  return {member.path.parent_path()};
}

void add_vote(HtmlPage& page, const VoteRecord& record, const fs::path& folder) {
  const auto& statistics = record.result.statistics;
  page.section("Vote");
  for (const auto& missing : record.result.missing) {
    page.warning("Left out: " + missing.path.string() + ": " + missing.reason);
  }
  if (statistics.labelled > 0) page.paragraph(gain_text(statistics) + ".");
  for (const auto& one : record.cross_validations) {
    page.paragraph(cross_validation_text(one) + ".");
  }
  predictions::VoteResult shown = record.result;
  for (auto& member : shown.members) {
    const fs::path relative = member.path.lexically_relative(folder);
    if (!relative.empty()) member.path = relative;
  }
  page.table(html_of(member_cells(shown)));
  if (record.result.members.size() < 2) return;
  page.details("How often members disagree",
               html_of(matrix_cells("disagreement", statistics.disagreement)));
  if (statistics.labelled > 0) {
    page.details("How alike their errors are",
                 html_of(matrix_cells("error correlation", statistics.error_correlation)));
  }
}

// The members' accuracy and loss over their epochs.
void add_curves(HtmlPage& page, const VoteRecord& record) {
  render::Panel accuracy{.title = "Accuracy on the evaluation split",
                         .x_label = "epoch",
                         .y_label = "% correct",
                         .integer_x = true,
                         .series = {}};
  render::Panel loss{.title = "Loss on the evaluation split",
                     .x_label = "epoch",
                     .y_label = "loss",
                     .integer_x = true,
                     .series = {}};
  fs::path last;
  for (const auto& member : record.result.members) {
    const settings::RunFolder folder = folder_of(member);
    if (folder.path == last || !fs::exists(folder.summary())) continue;  // snapshots share a run
    last = folder.path;
    const render::CsvTable summary = render::read_csv(folder.summary());
    const std::string name = folder.path.filename().string();
    const std::vector<double> epochs = summary.numbers(settings::kEpochColumn);
    accuracy.series.push_back({name, epochs, summary.numbers(settings::eval_column("top1"))});
    loss.series.push_back({name, epochs, summary.numbers(settings::eval_column("loss"))});
  }
  if (accuracy.series.empty()) return;
  page.section("Curves");
  page.figure(render::render_svg({"", {accuracy, loss}}), "Curves of the members", "");
}

void add_calibrations(HtmlPage& page, const VoteRecord& record) {
  page.section("Calibration");
  bool any = false;
  if (record.calibration) {
    add_calibration(page, *record.calibration, "The vote");
    any = true;
  }
  render::HtmlTable table{.header = {"member",
                                     "temperature",
                                     "ECE before",
                                     "after",
                                     "NLL before",
                                     "after",
                                     "Brier before",
                                     "after"},
                          .rows = {}};
  for (const auto& member : record.result.members) {
    if (!fs::exists(member.path)) continue;
    const predictions::PredictionsFile file(member.path);
    const auto checkpoint = report::predicting_checkpoint(file, "");
    if (!checkpoint) continue;
    const auto kept = predictions::kept_calibration(*checkpoint, file.header());
    if (!kept) continue;
    table.rows.push_back({member.path.parent_path().filename().string(),
                          util::number(kept->fit.temperature, "%.4f"),
                          util::number(kept->before.ece, "%.5f"),
                          util::number(kept->after.ece, "%.5f"),
                          util::number(kept->before.nll, "%.5f"),
                          util::number(kept->after.nll, "%.5f"),
                          util::number(kept->before.brier, "%.5f"),
                          util::number(kept->after.brier, "%.5f")});
  }
  if (!table.rows.empty()) {
    page.heading("Members");
    page.table(table);
  } else if (!any) {
    page.paragraph("Neither the members nor the vote are calibrated.");
  }
}

// The settings of the data as the first member has them.
std::unique_ptr<SamplePictures> open_pictures(const VoteRecord& record,
                                              const PageOptions& options) {
  for (const auto& member : record.result.members) {
    const settings::RunFolder folder = folder_of(member);
    if (!fs::exists(folder.config())) continue;
    settings::RunConfig config = settings::load_run_config(folder.config().string(), {});
    settings::apply(config, options.of_run);
    return SamplePictures::open(config, record.result.header);
  }
  return nullptr;
}

}  // namespace

HtmlPage ensemble_page(const fs::path& vote, const PageOptions& options) {
  const VoteRecord record = read_vote_record(vote);
  const predictions::PredictionsFile file(vote);
  HtmlPage page(fs::weakly_canonical(vote).parent_path().filename().string(),
                file.header().model + " on " + file.header().dataset + ", " +
                    std::to_string(file.size()) + " samples");
  add_vote(page, record, fs::absolute(vote).lexically_normal().parent_path());
  add_curves(page, record);
  add_calibrations(page, record);
  if (record.result.statistics.labelled > 0) {
    page.section("The vote, class by class");
    const auto pictures = open_pictures(record, options);
    add_evaluation(page, predictions::evaluate(file, {.hardest = options.hardest}), pictures.get());
  }
  const fs::path config = vote.parent_path() / "ensemble.json";
  if (fs::exists(config)) {
    page.section("Settings");
    page.details("ensemble.json", util::read_file(config));
  }
  return page;
}

}  // namespace dtrain::report
