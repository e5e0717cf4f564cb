#include "callbacks/early_stopping.h"

#include <string>

#include "util/log.h"

namespace dtrain::callbacks {

void EarlyStopping::on_train_start(train::TrainState& state) {
  if (state.evaluations_since_best >= patience_) state.should_stop = true;
}

void EarlyStopping::on_validation_end(train::TrainState& state) {
  if (state.evaluations_since_best < patience_) return;
  state.should_stop = true;
  util::log_info("Stopping early: " + std::to_string(patience_) +
                 " evaluations without a better one since epoch " +
                 std::to_string(state.best_epoch));
}

}  // namespace dtrain::callbacks
