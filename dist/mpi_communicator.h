// MPI's handle for the ranks of a scope; only dist/mpi_* knows it.
#pragma once

#define OMPI_SKIP_MPICXX 1  // the C interface only
#include <mpi.h>

namespace dtrain::dist {

// Never freed: that is collective, and a rank may leave alone after an error. MPI_Finalize does.
struct Communicator {
  MPI_Comm handle = MPI_COMM_WORLD;
};

}  // namespace dtrain::dist
