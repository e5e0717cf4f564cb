// Two ranks that fail in the way of the argument, for ranks_test.cpp:
//   peer   rank 1 learns at once that rank 0 failed; rank 0 reports a little later
//   lost   rank 1 loses its connection to rank 0; rank 0 reports a little later
//   alone  rank 1 loses its connection, and nobody else reports anything
#include <chrono>
#include <exception>
#include <string>
#include <thread>

#include "cli/failure.h"
#include "dist/mpi_scope.h"

int main(int argc, char** argv) {
  using namespace dtrain;
  dist::MpiScope mpi(&argc, &argv);
  const std::string way = argc > 1 ? argv[1] : "";
  const Error cause = data_error("labels.gz", "is cut short", "download it again");
  try {
    if (mpi.rank() == 1 && way == "peer") throw dist::PeerFailed(0, cause);
    if (mpi.rank() == 1) throw Error(ExitCode::kRetry, "rank 0", "connection lost", "start again");
    std::this_thread::sleep_for(std::chrono::seconds(way == "alone" ? 60 : 1));
    throw cause;
  } catch (...) {
    cli::fail(std::current_exception(), &mpi);
  }
}
