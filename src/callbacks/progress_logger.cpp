// The lines a person watches: progress of the epoch, evaluation, best so far.
#include "callbacks/progress_logger.h"

#include "util/log.h"
#include "util/text.h"

namespace dtrain::callbacks {
namespace {

int digits(int64_t n) { return static_cast<int>(std::to_string(n).size()); }

}  // namespace

std::string train_line(const train::TrainState& s) {
  const auto done = static_cast<long long>(s.batch),
             all = static_cast<long long>(s.steps_per_epoch);
  const int64_t left = (s.epochs - s.epoch) * s.steps_per_epoch - s.batch;
  std::string line = util::formatted("Train: %lld [%*lld/%lld (%3.0f%%)]",
                                     static_cast<long long>(s.epoch),
                                     digits(all),
                                     done,
                                     all,
                                     100.0 * static_cast<double>(done) / static_cast<double>(all));
  line += util::formatted("  Loss: %#.3g (%#.3g)", s.window.at("loss"), s.train.at("loss"));
  line += util::formatted("  Time: %.3fs, %.0f/s (%.3fs, %.0f/s)",
                          s.step_seconds,
                          s.images_per_second,
                          s.mean_step_seconds,
                          s.mean_images_per_second);
  line += util::formatted("  LR: %.3e  Data: %.3f", s.lr, s.data_seconds);
  if (s.ranks > 1 && s.comm_seconds) line += util::formatted("  Comm: %.3f", *s.comm_seconds);
  return line + "  ETA: " + util::clock_text(static_cast<double>(left) * s.mean_step_seconds);
}

std::string eval_line(const train::TrainState& s) {
  return util::formatted("Eval: %lld  Loss: %.3f  Acc@1: %.3f  Acc@5: %.3f",
                         static_cast<long long>(s.epoch),
                         s.eval.at("loss"),
                         s.eval.at("top1"),
                         s.eval.at("top5"));
}

void ProgressLogger::on_step_end(const train::TrainState& state, train::Requests&) {
  if (state.metrics_are_fresh) util::log_progress(train_line(state));
}

void ProgressLogger::on_validation_end(const train::TrainState& state, train::Requests&) {
  util::log_info(eval_line(state));
  if (state.is_best) {
    const std::string metric = state.best.metric == "top1" ? "" : " " + state.best.metric;
    util::log_info("*** Best" + metric +
                   util::formatted(": %.3f (epoch %lld)",
                                   state.best.value,
                                   static_cast<long long>(state.best.epoch)));
  }
}

}  // namespace dtrain::callbacks
