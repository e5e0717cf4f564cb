#include "callbacks/evaluation_check.h"

#include <string>

#include "util/log.h"

namespace dtrain::callbacks {

void EvaluationCheck::on_step_end(const train::TrainState&, train::Requests& requests) {
  look(&requests);
}

void EvaluationCheck::on_validation_start(const train::TrainState&, train::Requests&) {
  look(nullptr);
}

void EvaluationCheck::look(train::Requests* requests) {
  if (is_over_) return;
  const data::BackgroundCheck::Found found = found_();
  if (found.first) {
    if (requests != nullptr && !has_asked_) {
      requests->save();
      has_asked_ = true;
      return;
    }
    const std::string others = found.bad == 1
                                   ? ""
                                   : " (and " + std::to_string(found.bad - 1) + " more of the " +
                                         std::to_string(found.checked) + " checked so far)";
    throw Error(found.first->code(),
                "evaluation data, " + found.first->subject(),
                found.first->cause() + others,
                "evaluation takes every sample, whatever loader.bad_samples is: mend or remove it; "
                "`dtrain verify-data` lists all");
  }
  is_over_ = found.is_over;
  if (is_over_) {
    util::log().debug("Evaluation data: this rank's " + std::to_string(found.checked) +
                      " images can be decoded");
  }
}

}  // namespace dtrain::callbacks
