// What a rank finds on the machine it runs on, as far as settings depend on it.
#pragma once

#include <cstdint>
#include <string>

#include "dist/mpi_scope.h"

namespace dtrain::run {

struct Machine {
  int64_t cores = 1;         // this rank's share of the processors it may run on, at least 1
  int64_t omp_threads = 0;   // OMP_NUM_THREADS; 0: not set
  int64_t cuda_devices = 0;  // visible to this process
};

// What arithmetic depends on in its last bits: the version of LibTorch, and the instruction sets
// that its kernels and those of batch norm use here.
std::string libtorch_version();
std::string instruction_sets();

Machine this_machine(const dist::MpiScope& mpi);

// The processors that `available` ones leave for each of `ranks` on a host; `bound` says that the
// launcher has already given this rank its own.
int64_t cores_per_rank(int64_t available, int64_t ranks, bool bound);

}  // namespace dtrain::run
