#include "callbacks/early_stopping.h"

#include <string>

#include "util/log.h"

namespace dtrain::callbacks {

void EarlyStopping::on_train_start(const train::TrainState& state, train::Requests& requests) {
  if (state.best.evaluations_since >= patience_) requests.stop();
}

void EarlyStopping::on_validation_end(const train::TrainState& state, train::Requests& requests) {
  if (state.best.evaluations_since < patience_) return;
  requests.stop();
  util::log_info("Stopping early: " + std::to_string(patience_) +
                 " evaluations without a better one since epoch " +
                 std::to_string(state.best.epoch));
}

}  // namespace dtrain::callbacks
