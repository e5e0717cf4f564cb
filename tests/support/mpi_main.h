// For tests that mpirun starts: the ranks, inside the main() of mpi_main.cpp.
#pragma once

#include "dist/mpi_scope.h"
#include "dist/process_group.h"

namespace dtrain::testing {

const dist::MpiScope& mpi();
const dist::ProcessGroup& world();  // all ranks, over rendezvous() on the CPU, timeout 60 s

}  // namespace dtrain::testing
