// Launchers, told apart by their variables.
#include "dist/launcher.h"

#include <cstdlib>
#include <initializer_list>

namespace dtrain::dist {
namespace {

using Environment = std::function<const char*(const char*)>;

// The first of the variables that holds a number; -1 where none does.
int64_t first_count(const Environment& get, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* text = get(name);
    if (text == nullptr || *text < '0' || *text > '9') continue;
    return std::strtoll(text, nullptr, 10);
  }
  return -1;
}

bool is_set(const Environment& get, const char* name) { return get(name) != nullptr; }

// Note [Hydra and SLURM]
// PMI_SIZE and PMI_RANK are set by Hydra, which is the mpiexec of MPICH, Intel MPI and MVAPICH, and
// by srun --mpi=pmi2, which Open MPI may have been built for: there MPI itself has to say how many
// ranks there are. Hydra adds MPI_LOCALNRANKS, also where it uses srun to reach its hosts.
// I_MPI_ROOT and the like are set by a login script, so they only help to name the launcher.
Launch read_hydra(const Environment& get) {
  Launch launch;
  launch.processes = first_count(
      get, {"MV2_COMM_WORLD_SIZE", "MVP_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"});
  launch.rank = first_count(
      get, {"MV2_COMM_WORLD_RANK", "MVP_COMM_WORLD_RANK", "PMI_RANK", "MPI_LOCALRANKID"});
  const bool is_mvapich = is_set(get, "MV2_COMM_WORLD_SIZE") || is_set(get, "MVP_COMM_WORLD_SIZE");
  const bool is_hydra = is_mvapich || is_set(get, "MPI_LOCALNRANKS");
  if (!is_hydra && is_set(get, "SLURM_STEP_NUM_TASKS")) {
    launch.starts_mpi = is_set(get, "PMI_SIZE");
    return launch;
  }
  if (launch.processes <= 1) return launch;
  const bool is_intel = is_set(get, "I_MPI_ROOT") || is_set(get, "I_MPI_HYDRA_HOST_FILE") ||
                        is_set(get, "I_MPI_MPIRUN") || is_set(get, "I_MPI_INFO_NP");
  launch.foreign = is_mvapich ? "MVAPICH's mpiexec"
                   : is_intel ? "Intel MPI's mpiexec"
                              : "MPICH's mpiexec";
  return launch;
}

// torchrun, and accelerate, which is built on it, set TORCHELASTIC_RUN_ID; deepspeed and
// Kubernetes' PyTorchJob set what torch reads alone. A WORLD_SIZE left behind by a script says
// nothing by itself.
Launch read_torchrun(const Environment& get) {
  Launch launch;
  launch.processes = first_count(get, {"WORLD_SIZE"});
  launch.rank = first_count(get, {"RANK"});
  const bool is_elastic = is_set(get, "TORCHELASTIC_RUN_ID");
  const bool is_numbered = launch.rank >= 0 && (is_set(get, "LOCAL_RANK") ||  //
                                                is_set(get, "MASTER_ADDR"));
  if (launch.processes > 1 && (is_elastic || is_numbered)) {
    launch.foreign = is_elastic ? "torchrun" : "a launcher for torch (RANK, WORLD_SIZE)";
  }
  return launch;
}

}  // namespace

Launch read_launch(const Environment& get) {
  Launch launch;
  // Before what SLURM sets: below srun its variables are those of the one task that is torchrun.
  const Launch elastic = read_torchrun(get);
  const bool is_elastic = is_set(get, "TORCHELASTIC_RUN_ID") && !elastic.foreign.empty();
  if (is_elastic && !is_set(get, "OMPI_COMM_WORLD_SIZE")) {
    launch = elastic;
  } else if (is_set(get, "OMPI_COMM_WORLD_SIZE")) {
    launch.processes = first_count(get, {"OMPI_COMM_WORLD_SIZE"});
    launch.rank = first_count(get, {"OMPI_COMM_WORLD_RANK"});
    launch.starts_mpi = true;
  } else if (is_set(get, "PMIX_RANK")) {
    launch.processes = first_count(get, {"SLURM_STEP_NUM_TASKS"});
    launch.rank = first_count(get, {"PMIX_RANK"});
    launch.starts_mpi = true;
  } else {
    launch = read_hydra(get);
    if (launch.foreign.empty() && !launch.starts_mpi) {
      if (const Launch torch = read_torchrun(get); !torch.foreign.empty()) launch = torch;
    }
  }
  if (launch.processes < 1) launch.processes = 1;
  if (launch.rank < 0) launch.rank = 0;
  return launch;
}

Launch read_launch() {
  return read_launch([](const char* name) -> const char* { return std::getenv(name); });
}

Error foreign_launch(const Launch& launch) {
  const std::string n = std::to_string(launch.processes);
  return config_error(launch.foreign,
                      "started " + n + " processes, each of which would train alone: dtrain's " +
                          "ranks are started by Open MPI",
                      "type `dtrain --ranks " + n + " ...` on one machine, or `launch/mpirun.sh " +
                          "-np " + n + " dtrain ...`; where no launcher did, unset its variables");
}

}  // namespace dtrain::dist
