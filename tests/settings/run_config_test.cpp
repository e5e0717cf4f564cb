// The whole configuration: defaults, cross-field checks, automatic values, and its file.
#include "settings/run_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "run/machine.h"
#include "run/resolve.h"
#include "tests/support/temp_folder.h"
#include "util/check.h"

namespace dtrain::settings {
namespace {

using config::Override;

std::string problem_with(const std::vector<Override>& overrides) {
  try {
    load_run_config("", overrides);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kConfig);
    return error.what();
  }
  return "none";
}

void expect_problem(const std::vector<Override>& overrides, const std::string& part) {
  const std::string problem = problem_with(overrides);
  EXPECT_NE(problem.find(part), std::string::npos) << problem;
}

class RunConfigFile : public ::testing::Test {
 protected:
  std::string file(const std::string& text) const {
    std::ofstream(folder_ / "config.json") << text;
    return folder_ / "config.json";
  }
  dtrain::testing::TempFolder folder_;
};

TEST(RunConfig, has_defaults_that_are_valid) {
  RunConfig config;
  config::Problems problems;
  config::check_limits(config::collect(config), config.origins, problems);
  problems.append(validate(config));
  EXPECT_TRUE(problems.empty()) << problems.text();
}

TEST(RunConfig, helps_with_every_field) {
  RunConfig config;
  const auto list = config::collect(config);
  for (const auto& field : list.all()) {
    EXPECT_GE(field.help.size(), 15u) << field.path;
    EXPECT_TRUE(field.help.ends_with('.')) << field.path << ": " << field.help;
  }
}

TEST_F(RunConfigFile, takes_defaults_then_the_file_then_the_command_line) {
  const std::string path = file("{\n\"optimizer\": {\"lr\": 0.2, \"momentum\": 0.8}}");
  const auto config = load_run_config(path, {{"optimizer.lr", "0.3", "command line --lr"}});
  EXPECT_EQ(config.optimizer.lr, 0.3);
  EXPECT_EQ(config.optimizer.momentum, 0.8);
  EXPECT_EQ(config.optimizer.weight_decay, optim::OptimizerConfig{}.weight_decay);
  EXPECT_EQ(config::origin_of(config.origins, "optimizer.lr"), "command line --lr");
  EXPECT_EQ(config::origin_of(config.origins, "optimizer.momentum"), path + ":2");
  EXPECT_EQ(config::origin_of(config.origins, "optimizer.eps"), "default");
}

TEST_F(RunConfigFile, reports_problems_of_file_command_line_and_combination_together) {
  const std::string path = file(R"({"optimiser": {}, "loader": {"batch_size": 0}})");
  try {
    load_run_config(path,
                    {{"run.epochs", "2", "command line --epochs"},
                     {"schedule.warmup_epochs", "5", "command line --warmup-epochs"},
                     {"run.sead", "1", "command line --set"}});
    FAIL() << "accepted";
  } catch (const Error& error) {
    const std::string text = error.what();
    for (const char* part : {"4 problems",
                             "optimiser (line 1): unknown key (did you mean optimizer?)",
                             "loader.batch_size (line 1): must be between 1 and 1048576",
                             "run.sead (command line --set): unknown key (did you mean run.seed?)",
                             "schedule.warmup_epochs (command line --warmup-epochs): is 5, more "
                             "than run.epochs, 2"}) {
      EXPECT_NE(text.find(part), std::string::npos) << part << "\nnot in\n" << text;
    }
  }
}

TEST(RunConfig, refuses_settings_that_contradict_each_other) {
  expect_problem({{"run.experiment", "a/b", "x"}}, "part of a folder's name");
  expect_problem({{"transforms.erasing_scale", "0.3,0.1", "x"}}, "two numbers, the smallest first");
  expect_problem({{"transforms.erasing_ratio", "1", "x"}}, "two numbers, the smallest first");
  expect_problem({{"transforms.mean", "0.1,0.2,0.3", "x"}, {"transforms.std", "1,1", "x"}},
                 "has 2 channels, but transforms.mean has 3");
  expect_problem({{"schedule.min_lr", "1", "x"}, {"optimizer.lr", "0.1", "x"}},
                 "above optimizer.lr, 0.1");
  expect_problem({{"optimizer.lr", "-0.1", "x"}}, "at least 0, or -1");
  expect_problem({{"schedule.warmup_epochs", "-0.5", "x"}}, "at least 0, or -1");
  expect_problem({{"train.eval_interval", "11", "x"}}, "before the first evaluation");
  expect_problem({{"dist.backend", "nccl", "x"}, {"run.device", "cpu", "x"}}, "run.device is cpu");
  expect_problem({{"dist.first_bucket_mb", "30", "x"}}, "above dist.bucket_mb, 25");
  expect_problem({{"data.folds", "5", "x"}, {"data.fold", "5", "--fold"}},
                 "data.fold (--fold): is 5, but the last of 5 data.folds is 4");
}

TEST(RunConfig, resolves_what_was_left_open_and_says_why) {
  RunConfig config = load_run_config("", {});
  run::resolve(config, {.cores = 3, .omp_threads = 0, .cuda_devices = 0});
  EXPECT_EQ(config.run.experiment, "fashion_mnist_resnet18");
  EXPECT_EQ(config.run.device, "cpu");
  EXPECT_EQ(config.run.threads, 3);
  EXPECT_EQ(config.data.dataset, "fashion_mnist");
  EXPECT_EQ(config.data.eval_split, "train");
  EXPECT_EQ(config.data.holdout, 0.1);
  EXPECT_EQ(config::origin_of(config.origins, "data.holdout"),
            "automatic (there is no validation split)");
  EXPECT_NE(config.train.precision, "auto");
  EXPECT_EQ(config::origin_of(config.origins, "run.threads"), "automatic (processors per rank)");
  EXPECT_EQ(config::origin_of(config.origins, "run.device"), "automatic (0 GPUs visible)");
  EXPECT_TRUE(validate(config).empty());
}

TEST(RunConfig, takes_the_seed_of_splits_from_the_run_where_there_are_any) {
  RunConfig config = load_run_config("", {{"data.holdout", "0.1", "x"}, {"run.seed", "7", "x"}});
  run::resolve(config, {.cores = 1});
  EXPECT_EQ(config.data.split_seed, 7);
  config = load_run_config("", {{"run.seed", "7", "x"}, {"data.eval_split", "test", "x"}});
  run::resolve(config, {.cores = 1});
  EXPECT_EQ(config.data.split_seed, -1);
}

TEST(RunConfig, resolves_to_the_same_when_resolved_again) {
  RunConfig once = load_run_config("", {});
  run::resolve(once, {.cores = 3});
  RunConfig twice = once;
  run::resolve(twice, {.cores = 3});
  EXPECT_EQ(effective_config(once), effective_config(twice));
}

TEST(RunConfig, leaves_what_was_chosen_when_resolving) {
  RunConfig config = load_run_config("",
                                     {{"run.threads", "1", "command line --threads"},
                                      {"train.precision", "float32", "command line --set"}});
  run::resolve(config, {.cores = 8, .omp_threads = 4});
  EXPECT_EQ(config.run.threads, 1);
  EXPECT_EQ(config.train.precision, "float32");
  EXPECT_EQ(config::origin_of(config.origins, "run.threads"), "command line --threads");
}

TEST(RunConfig, honours_OMP_NUM_THREADS) {
  RunConfig config = load_run_config("", {});
  run::resolve(config, {.cores = 8, .omp_threads = 4});
  EXPECT_EQ(config.run.threads, 4);
}

TEST(RunConfig, refuses_cuda_without_a_GPU) {
  RunConfig config = load_run_config("", {{"run.device", "cuda", "x"}});
  try {
    run::resolve(config, {.cuda_devices = 0});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kConfig);
    EXPECT_NE(std::string(error.what()).find("--device cpu"), std::string::npos) << error.what();
  }
}

TEST_F(RunConfigFile, leaves_channels_and_classes_to_other_data) {
  RunConfig config = load_run_config("", {{"model.in_channels", "3", "command line"}});
  config.model.num_classes = 11;
  config.origins["model.num_classes"] = config::automatic("the data set's");
  const RunConfig again = load_run_config(file(effective_config(config)), {});
  EXPECT_EQ(again.model.num_classes, 0);
  EXPECT_EQ(again.model.in_channels, 3);
}

TEST_F(RunConfigFile, writes_a_file_that_gives_the_same_run) {
  RunConfig config = load_run_config("", {{"optimizer.lr", "0.3", "command line --lr"}});
  run::resolve(config, {.cores = 2});
  const std::string text = effective_config(config);
  EXPECT_TRUE(differences(config, parse_effective_config(text, "config.json")).empty());
  const std::string path = file(text);
  EXPECT_TRUE(differences(config, load_run_config(path, {})).empty());
}

TEST(Machine, shares_processors_among_the_ranks_of_a_host) {
  EXPECT_EQ(run::cores_per_rank(8, 1, false), 8);
  EXPECT_EQ(run::cores_per_rank(8, 3, false), 2);
  EXPECT_EQ(run::cores_per_rank(2, 4, false), 1);
  EXPECT_EQ(run::cores_per_rank(2, 4, true), 2);  // the launcher gave each rank its own two
}

TEST(Machine, has_at_least_one_processor_and_reads_OMP_NUM_THREADS) {
  ::setenv("OMP_NUM_THREADS", "5", 1);
  const dist::MpiScope mpi(nullptr, nullptr);
  const run::Machine machine = run::this_machine(mpi);
  EXPECT_GE(machine.cores, 1);
  EXPECT_EQ(machine.omp_threads, 5);
}

TEST(RunConfig, ReadsTheUsualOtherNamesOfTheValidationSplit) {
  for (const char* name : {"val", "valid", "validation"}) {
    const RunConfig config =
        load_run_config("", {{"data.eval_split", name, "command line --data.eval_split"}});
    EXPECT_EQ(config.data.eval_split, "validation") << name;
  }
}

}  // namespace
}  // namespace dtrain::settings
