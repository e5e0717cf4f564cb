# Environment of dtrain's launchers: source it before mpirun or srun.
#
# Every value is a default: what the caller has set stays. None changes what is computed, only how fast,
# how loudly and how cleanly it starts and ends; `mpirun -np 2 dtrain ...` works without this file.
# `dtrain --ranks 2 ...` sets the same by itself (src/cli/relaunch.cpp; relaunch_test.py compares the two).

# Sets a variable unless the caller has, and exports it.
dtrain_default() {
  [[ -n ${!1+set} ]] || export "$1=$2"
}

# --- Open MPI: it only starts the ranks and carries one address; training traffic is c10d's ----------

# Plain point-to-point messages. Left alone, Open MPI loads UCX and libfabric to look for fast networks
# that dtrain would not use: 0.2 s of every start, and warnings on machines that have none.
dtrain_default OMPI_MCA_pml ob1
# The same reason for its transports; also spares the "no OpenFabrics device" warning.
dtrain_default OMPI_MCA_btl self,vader,tcp
# In a container without CAP_SYS_PTRACE the kernel refuses cross-memory reads and Open MPI prints an
# error for each rank before it falls back to shared memory. Start with shared memory.
dtrain_default OMPI_MCA_btl_vader_single_copy_mechanism none

# --- memory: glibc gives every large tensor back to the kernel and faults its pages in again ---------

# The 100 MB activations of a step live on in the heap instead: 5 to 15 % of a CPU step. dtrain sets the
# same three with mallopt; here they serve the reference Python, so that the two are compared fairly.
dtrain_default MALLOC_MMAP_THRESHOLD_ 1073741824
dtrain_default MALLOC_TRIM_THRESHOLD_ 2147483647
dtrain_default MALLOC_TOP_PAD_ 268435456

# --- NCCL, read only where there are GPUs -------------------------------------------------------------

# Say why a communicator could not be made; NCCL's own default says nothing.
dtrain_default NCCL_DEBUG WARN
