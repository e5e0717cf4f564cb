// From the configuration to the learning rate over time.
#pragma once

#include <cstdint>
#include <memory>

#include "optim/schedule.h"
#include "optim/schedule_config.h"

namespace dtrain::optim {

// `lr` is optimizer.lr. Throws a config Error when the warm-up is longer than the training.
std::unique_ptr<Schedule> create_schedule(const ScheduleConfig& config,
                                          double lr,
                                          int64_t steps_per_epoch,
                                          int64_t epochs);

}  // namespace dtrain::optim
