// A network from a checkpoint, ready for inference.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <vector>

#include "dist/mpi_scope.h"
#include "dist/process_group.h"
#include "nn/classifier.h"
#include "settings/run_config.h"

namespace dtrain::predict {

// What a checkpoint says about the training that wrote it.
struct TrainedModel {
  std::string checkpoint;      // no link; on rank 0's host
  settings::RunConfig config;  // of the training
  std::vector<std::string> class_names;
  data::ImageShape input;  // height 0: written by a version that did not note it
};

// `request` as find_checkpoint() takes it. Reads on rank 0 and tells the others; collective.
// Settings that belong to the machine (device, threads, cache) are set back to choose for
// themselves. Throws Error(kIo).
TrainedModel open_trained_model(const std::string& request, const dist::MpiScope& mpi);

// A network in evaluation mode on `device`, with the weights of that name
// (checkpoint::load_weights) that rank 0 reads and sends; collective. Sets `fingerprint` to that of
// the weights.
std::shared_ptr<nn::Classifier> load_network(const TrainedModel& trained,
                                             const data::ImageShape& input,
                                             const std::string& wanted,
                                             c10::Device device,
                                             const dist::ProcessGroup& group,
                                             const dist::MpiScope& mpi,
                                             std::string* fingerprint);

}  // namespace dtrain::predict
