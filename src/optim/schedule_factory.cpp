#include "optim/schedule_factory.h"

#include "optim/lr_schedule.h"

namespace dtrain::optim {

std::unique_ptr<Schedule> create_schedule(const ScheduleConfig& config,
                                          double lr,
                                          int64_t steps_per_epoch,
                                          int64_t epochs) {
  return std::make_unique<LRSchedule>(config, lr, steps_per_epoch, epochs);
}

}  // namespace dtrain::optim
