// The settings of a training that resumes and was given no configuration file.
#pragma once

#include <vector>

#include "config/reader.h"
#include "dist/mpi_scope.h"
#include "settings/run_config.h"

namespace dtrain::run {

// Origin of settings that were taken from it.
inline constexpr const char* kOfResumedRun = "the run that resumes";

// Those in the checkpoint that run.resume of `overrides` names (checkpoint/resume.h), with the
// overrides on top. What the machine or the process decided (automatic threads and device,
// train.max_steps) is left to this one. run.resume then names the run that was found, so that it is
// the one that resumes. Collective: rank 0 reads.
//
// "auto" looks at the runs of every experiment, unless the overrides name the experiment, the data
// or the model; where it finds none, and where they do, the settings are those of a new run.
// Throws Error(kConfig), Error(kIo).
settings::RunConfig resumed_settings(const std::vector<config::Override>& overrides,
                                     const dist::MpiScope& mpi);

}  // namespace dtrain::run
