// vote_bench RULE THREADS OUTPUT MEMBER...: what `dtrain vote` does, without the command line.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "predictions/vote_files.h"

int main(int argc, char** argv) {
  using namespace dtrain;
  if (argc < 5) {
    std::fprintf(stderr, "usage: vote_bench RULE THREADS OUTPUT MEMBER...\n");
    return 64;
  }
  try {
    const predictions::VoteOptions options{.rule = predictions::vote_rule(argv[1]),
                                           .weights = std::vector<double>(size_t(argc - 4), 1),
                                           .threads = std::atoll(argv[2])};
    const auto result = predictions::vote_files({argv + 4, argv + argc}, argv[3], options);
    std::printf("{\"ensemble_right\": %ld, \"samples\": %ld}\n",
                long(result.statistics.ensemble_right),
                long(result.statistics.samples));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vote_bench: %s\n", error.what());
    return 1;
  }
}
