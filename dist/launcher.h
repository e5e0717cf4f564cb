// Who started this process, as far as the environment tells.
//
// Each launcher numbers its processes in variables of its own. Open MPI, which dtrain is built on,
// reads its own and PMIx's; the processes of any other launcher are strangers to it, and each of
// them would train alone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "util/check.h"

namespace dtrain::dist {

struct Launch {
  bool starts_mpi = false;  // by mpirun or srun: MPI may know the other ranks
  std::string foreign;      // another launcher's name, where it started several processes; or empty
  int64_t processes = 1;    // that it says it started
  int64_t rank = 0;         // among them
};

// `get` is std::getenv but for tests.
Launch read_launch(const std::function<const char*(const char*)>& get);
Launch read_launch();

// What to say about a foreign launch, with the line to type instead.
Error foreign_launch(const Launch& launch);

}  // namespace dtrain::dist
