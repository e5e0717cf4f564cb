// Loss and accuracy over epochs as a picture in the run folder.
#include "callbacks/plot_writer.h"

#include <utility>

#include "report/csv_writer.h"
#include "report/plot.h"
#include "util/atomic_file.h"

namespace dtrain::callbacks {

PlotWriter::PlotWriter(std::filesystem::path summary, std::filesystem::path picture)
    : summary_(std::move(summary)), picture_(std::move(picture)) {}

void PlotWriter::on_epoch_end(train::TrainState&) {
  const report::CsvTable table = report::read_csv(summary_);
  const auto epochs = table.numbers("epoch");
  const auto panel = [&](const char* title, const char* label, const char* metric) {
    report::Panel panel{.title = title, .x_label = "epoch", .y_label = label, .integer_x = true};
    for (const char* part : {"train", "eval"}) {
      panel.series.push_back({part, epochs, table.numbers(std::string(part) + "_" + metric)});
    }
    return panel;
  };
  report::Panel rate{
      .title = "Learning rate", .x_label = "epoch", .y_label = "lr", .integer_x = true};
  rate.series.push_back({"lr", epochs, table.numbers("lr")});
  const std::string run = summary_.parent_path().filename().string();
  util::write_file_atomic(
      picture_,
      report::render_svg(
          {run, {panel("Loss", "loss", "loss"), panel("Accuracy", "% correct", "top1"), rate}}));
}

}  // namespace dtrain::callbacks
