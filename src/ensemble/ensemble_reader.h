// Reads the file of an ensemble: its section, the base, and what each entry of its members stands
// for.
#pragma once

#include <string>
#include <vector>

#include "config/reader.h"
#include "ensemble/ensemble_config.h"

namespace dtrain::ensemble {

// Whether a configuration is that of an ensemble: it has members. Throws Error(kIo) where the file
// cannot be read, Error(kConfig) where it is no JSON.
bool is_ensemble_config(const std::string& file);

// Reads and checks the file; `overrides` change fields of the ensemble section or of the base.
// Throws one Error(kConfig) with every problem, Error(kIo) where a file cannot be read.
EnsembleConfig load_ensemble_config(const std::string& file,
                                    const std::vector<config::Override>& overrides);

}  // namespace dtrain::ensemble
