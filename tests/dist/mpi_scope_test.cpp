// The MpiScope of a process that no launcher started.
#include "dist/mpi_scope.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace dtrain::testing {
namespace {

TEST(MpiScope, WithoutALauncherIsOneRankAndDoesNotStartMpi) {
  const dist::MpiScope mpi(nullptr, nullptr);
  EXPECT_FALSE(mpi.launched());
  EXPECT_EQ(mpi.rank(), 0);
  EXPECT_EQ(mpi.size(), 1);
  EXPECT_EQ(mpi.local_rank(), 0);
  EXPECT_EQ(mpi.local_size(), 1);
  EXPECT_EQ(mpi.broadcast("x"), "x");
  EXPECT_EQ(mpi.all_gather(std::string("x")), std::vector<std::string>{"x"});
  EXPECT_EQ(mpi.all_gather(int64_t{7}), std::vector<int64_t>{7});
  mpi.barrier();
  EXPECT_EQ(dist::together(mpi, [] { return 5; }), 5);
  EXPECT_THROW(dist::together(mpi, [] { throw data_error("a", "b", "c"); }), Error);
}

TEST(MpiScope, SeveralSrunTasksThatDoNotKnowOfEachOtherAreRefused) {
  setenv("SLURM_STEP_NUM_TASKS", "4", 1);
  try {
    const dist::MpiScope mpi(nullptr, nullptr);
    ADD_FAILURE() << "started";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kUsage);
    EXPECT_NE(e.advice().find("--mpi=pmix"), std::string::npos);
  }
  setenv("SLURM_STEP_NUM_TASKS", "1", 1);
  EXPECT_EQ(dist::MpiScope(nullptr, nullptr).size(), 1);
  unsetenv("SLURM_STEP_NUM_TASKS");
}

TEST(MpiScopeDeathTest, AbortWithoutMpiWritesOutAndEndsWithTheCode) {
  EXPECT_EXIT(
      {
        std::fputs("last words", stderr);
        dist::MpiScope::abort(75);
      },
      ::testing::ExitedWithCode(75),
      "last words");
}

}  // namespace
}  // namespace dtrain::testing
