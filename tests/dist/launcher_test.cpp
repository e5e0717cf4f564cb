// Launchers are told apart by their variables.
#include "dist/launcher.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace dtrain::testing {
namespace {

dist::Launch launch_with(const std::map<std::string, std::string>& variables) {
  return dist::read_launch([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

void expect_foreign(const std::map<std::string, std::string>& variables,
                    const std::string& name,
                    int64_t rank) {
  const dist::Launch launch = launch_with(variables);
  EXPECT_NE(launch.foreign.find(name), std::string::npos) << name << ": " << launch.foreign;
  EXPECT_EQ(launch.processes, 4);
  EXPECT_EQ(launch.rank, rank);
  EXPECT_FALSE(launch.starts_mpi);
}

TEST(Launcher, OfAnotherMpiOrOfTorchIsNamed) {
  expect_foreign({{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"PMI_FD", "9"}, {"MPI_LOCALNRANKS", "4"}},
                 "MPICH",
                 3);
  // One process a host, started over SLURM.
  expect_foreign({{"PMI_RANK", "2"},
                  {"PMI_SIZE", "4"},
                  {"MPI_LOCALNRANKS", "1"},
                  {"MPI_LOCALRANKID", "0"},
                  {"SLURM_STEP_NUM_TASKS", "4"}},
                 "MPICH",
                 2);
  expect_foreign({{"PMI_RANK", "0"}, {"PMI_SIZE", "4"}, {"I_MPI_ROOT", "/opt/intel"}}, "Intel", 0);
  expect_foreign({{"MPI_LOCALNRANKS", "4"}, {"MPI_LOCALRANKID", "1"}}, "MPICH", 1);
  expect_foreign({{"MV2_COMM_WORLD_SIZE", "4"}, {"MV2_COMM_WORLD_RANK", "1"}}, "MVAPICH", 1);
  expect_foreign(
      {{"TORCHELASTIC_RUN_ID", "none"}, {"RANK", "1"}, {"LOCAL_RANK", "1"}, {"WORLD_SIZE", "4"}},
      "torchrun",
      1);
  expect_foreign({{"RANK", "0"}, {"LOCAL_RANK", "0"}, {"WORLD_SIZE", "4"}}, "torch", 0);
  expect_foreign({{"RANK", "1"}, {"MASTER_ADDR", "a"}, {"WORLD_SIZE", "4"}}, "torch", 1);
}

TEST(Launcher, OfOneProcessAndVariablesLeftBehindAreNone) {
  const std::map<std::string, std::string> environments[] = {
      {},
      {{"WORLD_SIZE", "1"}},
      {{"WORLD_SIZE", "4"}},
      {{"WORLD_SIZE", "4"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "1"}},
      {{"RANK", "0"}, {"LOCAL_RANK", "0"}, {"WORLD_SIZE", "1"}, {"TORCHELASTIC_RUN_ID", "none"}},
      {{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}, {"MPI_LOCALNRANKS", "1"}},
      {{"I_MPI_ROOT", "/opt/intel"}},
      {{"MV2_COMM_WORLD_SIZE", "1"}},
      {{"SLURM_NTASKS", "4"}},
  };
  for (const auto& variables : environments) {
    const dist::Launch launch = launch_with(variables);
    EXPECT_EQ(launch.foreign, "") << variables.begin()->first;
    EXPECT_FALSE(launch.starts_mpi);
    EXPECT_EQ(launch.rank, 0);
  }
}

TEST(Launcher, BelowSrunIsStillTorchrun) {
  const std::map<std::string, std::string> torchrun = {{"TORCHELASTIC_RUN_ID", "none"},
                                                       {"WORLD_SIZE", "8"},
                                                       {"RANK", "3"},
                                                       {"LOCAL_RANK", "3"},
                                                       {"SLURM_STEP_NUM_TASKS", "1"}};
  for (const auto& [name, value] : {std::pair{"PMI_SIZE", "1"}, {"PMIX_RANK", "0"}}) {
    auto variables = torchrun;
    variables[name] = value;
    EXPECT_EQ(launch_with(variables).foreign, "torchrun") << name;
    EXPECT_EQ(launch_with(variables).processes, 8);
  }
}

TEST(Launcher, ThatMpiKnowsIsLeftToIt) {
  EXPECT_TRUE(
      launch_with({{"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_RANK", "1"}}).starts_mpi);
  // An mpirun within what another launcher started.
  const std::map<std::string, std::string> within[] = {
      {{"OMPI_COMM_WORLD_SIZE", "2"}, {"PMI_SIZE", "4"}, {"MPI_LOCALNRANKS", "4"}},
      {{"OMPI_COMM_WORLD_SIZE", "2"}, {"WORLD_SIZE", "4"}, {"RANK", "0"}, {"LOCAL_RANK", "0"}},
      {{"PMIX_RANK", "0"}, {"WORLD_SIZE", "4"}, {"RANK", "0"}, {"LOCAL_RANK", "0"}},
      {{"PMI_RANK", "0"}, {"PMI_SIZE", "4"}, {"SLURM_STEP_NUM_TASKS", "4"}},
  };
  for (const auto& variables : within) {
    EXPECT_TRUE(launch_with(variables).starts_mpi);
    EXPECT_EQ(launch_with(variables).foreign, "");
  }
}

TEST(Launcher, IsRefusedWithTheLineToType) {
  const Error error =
      dist::foreign_launch(launch_with({{"PMI_SIZE", "4"}, {"MPI_LOCALNRANKS", "4"}}));
  EXPECT_EQ(error.code(), ExitCode::kConfig);
  EXPECT_NE(error.advice().find("launch/mpirun.sh -np 4 dtrain"), std::string::npos);
  EXPECT_NE(error.advice().find("dtrain --ranks 4"), std::string::npos);
}

}  // namespace
}  // namespace dtrain::testing
