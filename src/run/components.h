// From settings to the components that several commands are made of.
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "data/loader/data_loader.h"
#include "data/loader/device_prefetcher.h"
#include "data/loader/sampler.h"
#include "dist/mpi_scope.h"
#include "nn/classifier.h"
#include "run/machine.h"
#include "run/resumable.h"
#include "settings/run_config.h"
#include "train/autocast.h"

namespace dtrain::run {

struct Data {
  std::unique_ptr<data::Dataset> train, eval;
  std::unique_ptr<data::Dataset> unlabeled;  // null where there is none
  std::unique_ptr<data::Dataset> test;       // null where nothing is tested at the end
  data::Normalization normalization;
  DataIdentity identity;  // without fingerprints until identify()
};

// Opens what is trained and evaluated on, and gives the settings that images decide their values
// for that number of ranks (data_choices.h has `before`); the pixels of the training split are read
// in the background.
Data open_data(settings::RunConfig& config, int64_t ranks, const data::ImageShape& before = {});

// Waits for the pixels, so that damaged files show before anything is written.
void identify(Data& data);

// Of the images that the network gets.
data::ImageShape input_shape(const settings::RunConfig& config, const Data& data);

// With its initial weights, in the dtype, memory order and on the device of the training.
std::shared_ptr<nn::Classifier> make_model(const settings::RunConfig& config,
                                           const data::ImageShape& shape,
                                           int64_t classes,
                                           train::Precision precision,
                                           c10::Device device);

enum class Part { kTrain, kEval, kTest };

// Of the training split with augmentation, or of another one without. Borrows `data`.
std::unique_ptr<data::DataLoader> make_loader(const Data& data,
                                              const settings::RunConfig& config,
                                              Part part,
                                              data::Shard shard,
                                              c10::Device device);

// Sets the process up to compute as the settings say: threads, and deterministic algorithms on the
// GPU. Before any computation.
void configure_arithmetic(const settings::RunConfig& config);

// One GPU a rank, in the order of the ranks of a host: local rank modulo visible devices. Makes it
// the calling thread's current one, so that nothing is put on GPU 0 by ranks that do not use it.
c10::Device training_device(const settings::RunConfig& config,
                            const Machine& machine,
                            const dist::MpiScope& mpi);

}  // namespace dtrain::run
