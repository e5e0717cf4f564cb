// Counting processors. A machine's number of cores is an upper limit only: affinity masks (taskset,
// SLURM, mpirun's binding) and control groups (containers) leave a process fewer.
#include "run/machine.h"

#include <ATen/Version.h>
#include <sched.h>
#include <torch/cuda.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "device/device.h"
#include "nn/batch_norm_kernels.h"
#include "util/control_groups.h"
#include "util/hash.h"
#include "util/version.h"

namespace dtrain::run {
namespace {

// Processors in the affinity mask of a process; 0 when it cannot be read.
int64_t processors_of(pid_t process) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  return ::sched_getaffinity(process, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 0;
}

}  // namespace

int64_t cores_per_rank(int64_t available, int64_t ranks, bool bound) {
  return std::max<int64_t>(1, bound ? available : available / std::max<int64_t>(1, ranks));
}

std::string libtorch_version() { return TORCH_VERSION; }

std::string code_version() {
  return std::string(util::kVersion) + ", build " + util::build_id() + ", LibTorch " +
         libtorch_version();
}

std::string instruction_sets() {
  return at::get_cpu_capability() + ", batch norm " +
         nn::kernels::available_kernels()[0]->instructions;
}

std::string device_identity(c10::Device device) {
  if (device.is_cuda()) {
    const device::GpuProperties gpu = device::gpu_properties(device);
    return gpu.name + " GPU-" + gpu.uuid;
  }
  return device.str() + ", " + instruction_sets();
}

Machine this_machine(const dist::MpiScope& mpi) {
  Machine machine;
  int64_t processors = std::max<int64_t>(1, processors_of(0));
  // A launcher that binds gives its children fewer processors than it has itself; those are not
  // shared.
  const bool bound = mpi.launched() && processors < processors_of(::getppid());
  const std::optional<int64_t> granted = util::granted_processors();
  if (granted && !bound) processors = std::min(processors, *granted);
  machine.cores = cores_per_rank(processors, mpi.host_size(), bound);
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    machine.omp_threads = std::clamp<int64_t>(std::strtoll(text, nullptr, 10), 0, 1024);
  }
  machine.cuda_devices = static_cast<int64_t>(torch::cuda::device_count());
  return machine;
}

std::string omp_warning(const Machine& machine, int64_t threads) {
  if (threads != 0 || machine.omp_threads <= machine.cores) return {};
  return "OMP_NUM_THREADS is " + std::to_string(machine.omp_threads) + ", but this rank has " +
         std::to_string(machine.cores) + (machine.cores == 1 ? " core" : " cores") +
         ": threads will wait for each other; set OMP_NUM_THREADS=" +
         std::to_string(machine.cores) + ", or --threads";
}

}  // namespace dtrain::run
