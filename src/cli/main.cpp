// The program: which command, MPI if the command works with ranks, and one catch for everything.
#include <malloc.h>

#include <exception>
#include <memory>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/relaunch.h"
#include "dist/mpi_scope.h"

namespace {

// Note [Memory stays in the heap]
// A training step frees and allocates the same large tensors again and again. With glibc's defaults
// each of them is mapped and unmapped, and every page is faulted in anew: 5 to 15 % of a step on
// CPUs.
void keep_memory_in_heap() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 0x7fffffff);
  ::mallopt(M_TOP_PAD, 256 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace dtrain;
  std::unique_ptr<dist::MpiScope> mpi;
  try {
    const auto invocation = cli::parse_invocation(cli::Words(argv + 1, argv + argc));
    if (invocation.wants_help) {
      return cli::run_help(invocation.help_words, nullptr);
    }
    if (invocation.command->uses_ranks) {
      keep_memory_in_heap();
      mpi = std::make_unique<dist::MpiScope>(&argc, &argv);
    }
    if (const auto code = cli::relaunch_if_asked(invocation, mpi.get())) return *code;
    return invocation.command->run(invocation.words, mpi.get());
  } catch (...) {
    cli::fail(std::current_exception(), mpi.get());
  }
}
