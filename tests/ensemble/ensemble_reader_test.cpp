// Which members an ensemble's file stands for, and what is refused.
#include "ensemble/ensemble_reader.h"

#include <gtest/gtest.h>

#include "ensemble/ensemble_description.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::ensemble {
namespace {

using dtrain::testing::error_text;
using dtrain::testing::mentions;

class EnsembleReaderTest : public ::testing::Test {
 protected:
  EnsembleConfig load(const std::string& text,
                      const std::vector<config::Override>& overrides = {}) const {
    util::write_file_atomic(file_, text);
    return load_ensemble_config(file_.string(), overrides);
  }
  std::string problems(const std::string& text) const {
    return error_text([&] { load(text); }, ExitCode::kConfig);
  }
  dtrain::testing::TempFolder folder_;
  const std::filesystem::path file_ = folder_ / "ensemble.json";
};

std::vector<std::string> names(const EnsembleConfig& config) {
  std::vector<std::string> all;
  for (const EnsembleMember& member : config.members) all.push_back(member.name);
  return all;
}

constexpr const char* kKinds = R"({
  "ensemble": {"output": "out"},
  "base": {"run": {"epochs": 6, "seed": 9}, "model": {"width": 8}},
  "members": [
    {"config": {"model": {"name": "resnet34", "width": 16}}},
    {"name": "s", "seeds": [3, 4]},
    {"name": "cv", "folds": 2},
    {"name": "snap", "snapshots": 3}
  ]})";

TEST_F(EnsembleReaderTest, MembersChangeTheBase) {
  const EnsembleConfig config = load(kKinds);
  EXPECT_EQ(
      names(config),
      (std::vector<std::string>{"resnet34", "s-seed3", "s-seed4", "cv-fold0", "cv-fold1", "snap"}));
  EXPECT_EQ(config.members[0].config.model.name, "resnet34");
  EXPECT_EQ(config.members[0].config.model.width, 16);
  EXPECT_EQ(config.members[1].config.model.width, 8);
  EXPECT_EQ(config.members[1].config.run.seed, 3);
  EXPECT_EQ(config.members[1].config.data.split_seed, 9);  // the same hold-out for all seeds
  EXPECT_EQ(config.members[2].cross_validation, "");
  EXPECT_EQ(config.members[3].cross_validation, "cv");
  EXPECT_EQ(config.members[3].config.data.folds, 2);
  EXPECT_EQ(config.members[4].config.data.fold, 1);
  EXPECT_EQ(config.members[4].config.data.split_seed, 9);  // one division for all folds
  EXPECT_EQ(config.members[5].config.schedule.cycles, 3);
  EXPECT_EQ(config.members[5].config.checkpoint.keep_every_epochs, 2);
  EXPECT_EQ(config.members[5].snapshots, 3);
  EXPECT_EQ(config.members[0].config.run.output, "out/members");
  EXPECT_GT(config.members[0].cost, 4 * config.members[1].cost);
}

TEST_F(EnsembleReaderTest, TheBaseMayBeAFileBesideIt) {
  util::write_file_atomic(folder_ / "base.json", R"({"run": {"epochs": 3}})");
  const EnsembleConfig config =
      load(R"({"ensemble": {"output": "o"}, "base": "base.json", "members": [{"name": "a"}]})");
  EXPECT_EQ(config.members[0].config.run.epochs, 3);
}

TEST_F(EnsembleReaderTest, TheCommandLineWinsOverAllMembersAndTheEnsemble) {
  const EnsembleConfig config =
      load(kKinds, {{"model.width", "4", "--set"}, {"ensemble.vote", "hard", "--set"}});
  EXPECT_EQ(config.members[0].config.model.width, 4);
  EXPECT_EQ(config.ensemble.vote, "hard");
}

TEST_F(EnsembleReaderTest, AllProblemsAreListedAtOnce) {
  EXPECT_TRUE(mentions(problems(R"({
    "ensemble": {"output": "", "vote": "loud"}, "extra": 1, "base": {"run": {"epochz": 3}},
    "members": [{"name": "a/b"}, {"name": "c", "sedes": [1]}, {"name": "c"},
                {"name": "d", "snapshots": 3, "config": {"run": {"epochs": 4}}},
                {"name": "e", "folds": 1e9}]})"),
                       {"ensemble.output",
                        "ensemble.vote",
                        "extra",
                        "run.epochz",
                        "a/b",
                        "sedes",
                        "two members c",
                        "schedule.cycles",
                        "from 2 to 1000"}));
  EXPECT_TRUE(mentions(problems(R"({
    "ensemble": {"output": "out", "quorum": 9},
    "members": [{"name": 5}, {"name": "a", "seeds": [1.5]}, {"name": "b", "snapshots": 2.5}, {"name": "c"}]})"),
                       {"members[0].name", "members[1].seeds", "members[2].snapshots", "quorum"}));
  EXPECT_TRUE(mentions(problems("[]"), {"braces"}));
}

TEST_F(EnsembleReaderTest, WeightsThatAreFoundNeedSamplesThatAllMembersShare) {
  const std::string end = R"(, "members": [{"name": "a"}, {"name": "cv", "folds": 2}]})";
  const std::string start = R"({"ensemble": {"output": "o", "weights": "fitted")";
  EXPECT_TRUE(mentions(problems(start + "}" + end), {"ensemble.weights", "cv-fold0"}));
  EXPECT_TRUE(mentions(problems(start + R"(, "vote": "hard"})" + end), {"soft vote"}));
  EXPECT_TRUE(
      mentions(problems(start + R"(, "validation": "none"})" + end), {"ensemble.validation"}));
}

TEST_F(EnsembleReaderTest, IsToldFromThatOfARun) {
  load(kKinds);
  EXPECT_TRUE(is_ensemble_config(file_.string()));
  util::write_file_atomic(file_, R"({"run": {"epochs": 3}})");
  EXPECT_FALSE(is_ensemble_config(file_.string()));
}

TEST_F(EnsembleReaderTest, IsDescribedWithWhatSetsEachMemberApart) {
  const std::string text = describe(load(R"({
    "ensemble": {"output": "out", "vote": "hard"},
    "members": [{"name": "a", "cost": 3}, {"name": "b", "cost": 1, "config": {"optimizer": {"lr": 0.25}}}]})"));
  EXPECT_TRUE(mentions(text, {"ensemble.vote", "hard", "75.0", "25.0", "optimizer.lr 0.25"}));
}

TEST_F(EnsembleReaderTest, WhatWouldFailOnlyBehindTheTrainingsIsRefusedBefore) {
  const auto refusal = [&](const std::string& ensemble, const std::string& member) {
    return problems(R"({"ensemble": {"output": "o", )" + ensemble +
                    R"(}, "members": [{"name": "a", )" + member + "}]}");
  };
  EXPECT_TRUE(mentions(
      refusal(R"("checkpoint": "best")", R"("config": {"checkpoint": {"keep_best": false}})"),
      {"ensemble.checkpoint", "keep_best"}));
  EXPECT_TRUE(
      mentions(refusal(R"("weights": "fitted")", R"("config": {"data": {"eval_split": "test"}})"),
               {"ensemble.weights", "data.holdout"}));
  EXPECT_TRUE(mentions(refusal(R"("split": "eval")", R"("folds": 2)"), {"ensemble.split", "fold"}));
}

TEST_F(EnsembleReaderTest, ValidationSamplesAreApartWhereTrainingHoldsThemOut) {
  const auto apart = [&](const std::string& data) {
    const EnsembleConfig config = load(R"({"ensemble": {"output": "o"}, "base": {"data": {)" +
                                       data + R"(}}, "members": [{"name": "a"}]})");
    return validates_apart(config.ensemble, config.members[0]);
  };
  EXPECT_TRUE(apart(""));  // of Fashion-MNIST a tenth is held out
  EXPECT_FALSE(apart(R"("eval_split": "test")"));
  // This one draws what is trained on alone.
  EXPECT_FALSE(apart(R"("eval_split": "test", "labels_per_class": 20)"));
  EXPECT_TRUE(apart(R"("holdout": 0.1)"));
  EXPECT_TRUE(apart(R"("folds": 5)"));
}

TEST_F(EnsembleReaderTest, FoldsShareTheValidationSamplesOfASplitOfTheirOwn) {
  const auto difference = [&](const std::string& ensemble, const std::string& other) {
    return different_validation(
        load(R"({"ensemble": {"output": "o", )" + ensemble +
             R"(}, "members": [{"name": "a", "folds": 2}, {"name": "b", "config": {"data": {)" +
             other + "}}}]}"));
  };
  EXPECT_NE(difference(R"("validation": "eval")", ""), "");
  EXPECT_EQ(difference(R"("validation": "validation")", R"("holdout": 0.1, "cache_mb": 5)"), "");
  EXPECT_NE(difference(R"("validation": "validation")", R"("limit_eval": 9)"), "");
}

TEST_F(EnsembleReaderTest, AMemberHasItsRanksUnlessAnyNumberGivesTheSame) {
  EnsembleConfig config = load(kKinds);
  EXPECT_EQ(ranks_of(config, config.members[0]), 1);
  config.ensemble.ranks_per_group = 2;
  EXPECT_EQ(ranks_of(config, config.members[0]), 2);
  config.ensemble.groups = {4, 4};
  EXPECT_EQ(ranks_of(config, config.members[0]), 4);
  config.members[0].config.dist.deterministic_world = 4;
  EXPECT_EQ(ranks_of(config, config.members[0]), 0);
}

TEST_F(EnsembleReaderTest, GroupsHaveAllRanksAndOneSizeUnlessTheWorldIsDeterministic) {
  EnsembleConfig config = load(kKinds);
  EXPECT_EQ(group_sizes(config, 3), (std::vector<int64_t>{1, 1, 1}));
  config.ensemble.ranks_per_group = 2;
  EXPECT_EQ(group_sizes(config, 4), (std::vector<int64_t>{2, 2}));
  EXPECT_TRUE(mentions(error_text([&] { group_sizes(config, 3); }, ExitCode::kConfig),
                       {"ensemble.ranks_per_group", "3 ranks"}));
  config.ensemble.groups = {2, 1};
  EXPECT_TRUE(mentions(error_text([&] { group_sizes(config, 3); }, ExitCode::kConfig),
                       {"resnet34", "dist.deterministic_world"}));
  for (EnsembleMember& member : config.members) member.config.dist.deterministic_world = 2;
  EXPECT_EQ(group_sizes(config, 3), (std::vector<int64_t>{2, 1}));
}

}  // namespace
}  // namespace dtrain::ensemble
