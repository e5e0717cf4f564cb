// What must be the same on every rank before they train together.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "dist/mpi_scope.h"
#include "nn/classifier.h"
#include "run/resumable.h"
#include "settings/run_config.h"
#include "util/check.h"

namespace dtrain::run {

// A name that a message can use, and a value or its digest.
using Facts = std::vector<std::pair<std::string, std::string>>;

// Code version, effective config (without what may differ between hosts), data, and the plan of
// parameters: names, shapes and types in order. LibTorch's collectives take unequal plans for
// granted and end the process without a word, so this is compared by way of MPI.
Facts facts_of(const settings::RunConfig& config,
               const DataIdentity& data,
               const nn::Classifier& model);

// The first fact that differs from that of rank 0, as an Error(kConfig) that names it; nothing when
// all are the same.
std::optional<Error> disagreement(const Facts& mine, const Facts& of_rank_0);

// Compares the facts of all ranks; collective. Where they differ, the lowest rank that is not like
// rank 0 throws Error(kConfig) naming the fact, and all others PeerFailed.
void expect_agreement(const Facts& mine, const dist::MpiScope& mpi);

}  // namespace dtrain::run
