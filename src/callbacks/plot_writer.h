// Loss and accuracy over epochs as a picture in the run folder.
#pragma once

#include <filesystem>

#include "train/callback.h"

namespace dtrain::callbacks {

// For rank 0 only; behind MetricLogger, whose summary.csv it draws after every epoch. So the curves
// of a resumed run are whole.
class PlotWriter : public train::Callback {
 public:
  PlotWriter(std::filesystem::path summary, std::filesystem::path picture);
  void on_epoch_end(const train::TrainState& state, train::Requests&) override;

 private:
  std::filesystem::path summary_, picture_;
};

}  // namespace dtrain::callbacks
