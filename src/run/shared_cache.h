// data.cache: decoded pictures in memory that the ranks of a host share.
#pragma once

#include "dist/mpi_scope.h"
#include "run/components.h"

namespace dtrain::run {

// Puts a cache in front of both splits where `config.data.cache` asks for one and their samples are
// encoded pictures: the first rank of each host makes it, the others open it. Collective. Throws
// Error(kIo) when the memory cannot be had.
void share_caches(Data& data, const settings::RunConfig& config, const dist::MpiScope& mpi);

// Bytes that processes can still take without swapping, also within a control group; 0: unknown.
int64_t available_memory();

}  // namespace dtrain::run
