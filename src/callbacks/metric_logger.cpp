// The run in numbers: a row of summary.csv for each epoch, TensorBoard events for each logged step.
#include "callbacks/metric_logger.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "settings/summary_columns.h"

namespace dtrain::callbacks {
MetricLogger::MetricLogger(std::filesystem::path folder,
                           std::filesystem::path summary,
                           const std::vector<std::string>& more)
    : folder_(std::move(folder)),
      summary_path_(std::move(summary)),
      columns_(settings::summary_columns(more)) {}

void MetricLogger::on_train_start(const train::TrainState& state, train::Requests&) {
  summary_.emplace(summary_path_, columns_);
  summary_->truncate_after(settings::kEpochColumn, state.epoch - 1);
  events_.emplace(folder_,
                  state.step > 0 ? state.step : render::TensorboardWriter::kNewRun,
                  state.is_evaluation_pending() ? "eval/" : "");
  has_steps_ = false;
}

void MetricLogger::on_epoch_start(const train::TrainState&, train::Requests&) {
  epoch_timer_.reset();
  has_steps_ = true;
  evaluated_ = false;
}

void MetricLogger::on_step_end(const train::TrainState& state, train::Requests&) {
  if (!state.metrics_are_fresh) return;
  std::vector<std::pair<std::string, double>> values = {
      {"train/loss", state.window.at("loss")},
      {"train/top1", state.window.at("top1")},
      {"train/lr", state.lr},
      {"train/images_per_second", state.images_per_second},
      {"train/data_seconds", state.data_seconds},
      {"train/grad_norm", state.grad_norm},
      {"train/loss_scale", state.loss_scale}};
  if (state.comm_seconds) values.emplace_back("train/comm_seconds", *state.comm_seconds);
  events_->scalars(state.step, values);
}

void MetricLogger::on_validation_end(const train::TrainState& state, train::Requests&) {
  evaluated_ = true;
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, value] : state.eval) values.emplace_back("eval/" + name, value);
  events_->scalars(state.step, values);
}

void MetricLogger::on_epoch_end(const train::TrainState& state, train::Requests&) {
  std::map<std::string, render::CsvCell> cells = {{settings::kEpochColumn, state.epoch},
                                                  {settings::kRateColumn, state.lr},
                                                  {settings::kStepColumn, state.step}};
  if (has_steps_) {
    cells[settings::kSecondsColumn] = epoch_timer_.seconds();
    cells[settings::kSpeedColumn] = state.mean_images_per_second;
  }
  for (const auto& [metric, value] : state.train) cells[settings::train_column(metric)] = value;
  if (evaluated_) {
    for (const auto& [metric, value] : state.eval) cells[settings::eval_column(metric)] = value;
  }
  std::vector<render::CsvCell> row;
  for (const std::string& column : columns_) row.push_back(cells[column]);
  summary_->row(row);
  summary_->sync();
}

}  // namespace dtrain::callbacks
