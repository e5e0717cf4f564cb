// The run in numbers: a row of summary.csv for each epoch, TensorBoard events for each logged step.
#include "callbacks/metric_logger.h"

#include <string>
#include <utility>
#include <vector>

namespace dtrain::callbacks {
namespace {

const std::vector<std::string> kColumns = {"epoch",
                                           "train_loss",
                                           "eval_loss",
                                           "eval_top1",
                                           "eval_top5",
                                           "lr",
                                           "train_top1",
                                           "train_top5",
                                           "step",
                                           "seconds",
                                           "images_per_second"};

}  // namespace

MetricLogger::MetricLogger(std::filesystem::path folder, std::filesystem::path summary)
    : folder_(std::move(folder)), summary_path_(std::move(summary)) {}

void MetricLogger::on_train_start(const train::TrainState& state, train::Requests&) {
  summary_.emplace(summary_path_, kColumns);
  summary_->truncate_after("epoch", state.epoch - 1);
  events_.emplace(folder_,
                  state.step > 0 ? state.step : render::TensorboardWriter::kNewRun,
                  state.is_evaluation_pending() ? "eval/" : "");
}

void MetricLogger::on_epoch_start(const train::TrainState&, train::Requests&) {
  epoch_timer_.reset();
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
  const auto of_evaluation = [&](const char* name) {
    return evaluated_ ? render::CsvCell(state.eval.at(name)) : render::CsvCell();
  };
  summary_->row({state.epoch,
                 state.train.at("loss"),
                 of_evaluation("loss"),
                 of_evaluation("top1"),
                 of_evaluation("top5"),
                 state.lr,
                 state.train.at("top1"),
                 state.train.at("top5"),
                 state.step,
                 epoch_timer_.seconds(),
                 state.mean_images_per_second});
  summary_->sync();
}

}  // namespace dtrain::callbacks
