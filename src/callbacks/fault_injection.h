// A fault on demand, for tests of what finds it.
#pragma once

#include <cstdint>
#include <memory>

#include "nn/classifier.h"
#include "train/callback.h"

namespace dtrain::callbacks {

// From the environment variable DTRAIN_TEST_FAULT, KIND:RANK:STEP, what happens to the first weight
// on that rank after that step, once:
//   flip_bit     its lowest bit is flipped
//   nan_weight   it becomes NaN, and so does the next loss
// or, with sigterm, sigint or sigusr1, that the process gets that signal.
// Null where it is not set or names another rank. Throws Error(kUsage) when it is written
// otherwise.
std::unique_ptr<train::Callback> injected_fault(nn::Classifier& model, int64_t rank);

}  // namespace dtrain::callbacks
