// Loss and accuracy over epochs as a picture in the run folder.
#include "callbacks/plot_writer.h"

#include <utility>

#include "render/csv_writer.h"
#include "render/plot.h"
#include "settings/summary_columns.h"
#include "util/atomic_file.h"

namespace dtrain::callbacks {

PlotWriter::PlotWriter(std::filesystem::path summary, std::filesystem::path picture)
    : summary_(std::move(summary)), picture_(std::move(picture)) {}

void PlotWriter::on_epoch_end(const train::TrainState&, train::Requests&) {
  const render::CsvTable table = render::read_csv(summary_);
  const auto epochs = table.numbers(settings::kEpochColumn);
  const auto panel = [](const char* title, const char* label) {
    render::Panel panel;
    panel.title = title;
    panel.x_label = "epoch";
    panel.y_label = label;
    panel.integer_x = true;
    return panel;
  };
  render::Panel loss = panel("Loss", "loss"), accuracy = panel("Accuracy", "% correct");
  loss.series = {{"train", epochs, table.numbers(settings::train_column("loss"))},
                 {"eval", epochs, table.numbers(settings::eval_column("loss"))}};
  accuracy.series = {{"train", epochs, table.numbers(settings::train_column("top1"))},
                     {"eval", epochs, table.numbers(settings::eval_column("top1"))}};
  render::Panel rate = panel("Learning rate", "lr");
  rate.series.push_back({"lr", epochs, table.numbers(settings::kRateColumn)});
  const std::string run = summary_.parent_path().filename().string();
  util::write_file_atomic(picture_, render::render_svg({run, {loss, accuracy, rate}}));
}

}  // namespace dtrain::callbacks
