// What a rank finds on the machine it runs on, as far as settings depend on it.
#pragma once

#include <c10/core/Device.h>

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
// Of dtrain, its build and LibTorch.
std::string code_version();
std::string instruction_sets();

// Tells a GPU from every other one, wherever a process counts from: its model and UUID. Of the CPU:
// its instruction sets.
std::string device_identity(c10::Device device);

Machine this_machine(const dist::MpiScope& mpi);

// A warning with both numbers where OMP_NUM_THREADS decides on the threads (`threads`, run.threads
// as set, is 0) and asks for more than this rank has cores; or empty.
std::string omp_warning(const Machine& machine, int64_t threads);

// The processors that `available` ones leave for each of `ranks` on a host; `bound` says that the
// launcher has already given this rank its own.
int64_t cores_per_rank(int64_t available, int64_t ranks, bool bound);

}  // namespace dtrain::run
