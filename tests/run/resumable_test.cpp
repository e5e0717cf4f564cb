// Whether a checkpoint fits the run that wants to go on from it.
#include "run/resumable.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"
#include "util/check.h"

namespace dtrain::run {
namespace {

using dtrain::testing::mentions;

const DataIdentity kSnapshotData{"a", "b", {"cat", "dog"}};

settings::RunConfig config() {
  settings::RunConfig config;
  config.loader.batch_size = 12;
  config.run.threads = 2;
  return config;
}

std::vector<std::string> announced(const config::Json& meta,
                                   const settings::RunConfig& now = config(),
                                   int64_t ranks = 2) {
  ResumeChanges changes =
      check_resumable(meta, "runs/x/checkpoints/last", now, kSnapshotData, ranks, 1200);
  changes.ahead.insert(changes.ahead.end(), changes.rounding.begin(), changes.rounding.end());
  return changes.ahead;
}

std::string refusal(const config::Json& meta,
                    const settings::RunConfig& now = config(),
                    const DataIdentity& data = kSnapshotData,
                    int64_t ranks = 2) {
  try {
    check_resumable(meta, "runs/x/checkpoints/last", now, data, ranks, 1200);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kConfig);
    return error.what();
  }
  return "none";
}

config::Json meta() { return describe_run(config(), kSnapshotData, 2); }

TEST(Resumable, TheSameRunIsSilent) { EXPECT_TRUE(announced(meta()).empty()); }

TEST(Resumable, AnotherMachineOrVersionIsAnnouncedWithWhatFollows) {
  for (const auto& [pointer, name] : {std::pair{"/dtrain_version", "dtrain"},
                                      std::pair{"/dtrain_build", "the build of dtrain"},
                                      std::pair{"/machine/libtorch", "LibTorch"},
                                      std::pair{"/machine/instructions", "the set of instructions"},
                                      std::pair{"/config/run/threads", "run.threads"},
                                      std::pair{"/config/dist/bucket_mb", "dist.bucket_mb"}}) {
    config::Json changed = meta();
    config::Json& value = changed[config::Json::json_pointer(pointer)];
    if (value.is_string()) {
      value = "other";
    } else {
      value = value.get<int64_t>() + 1;
    }
    const auto lines = announced(changed);
    ASSERT_EQ(lines.size(), 1U) << pointer;
    EXPECT_TRUE(mentions(lines[0], {name, "rounding"})) << lines[0];
  }
}

TEST(Resumable, AnotherNumberOfRanksWithTheSameGlobalBatchIsAnnounced) {
  settings::RunConfig now = config();
  now.loader.batch_size = 24;
  const auto lines = announced(meta(), now, 1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(mentions(lines[0], {"ranks", "was 2 and is 1"})) << lines[0];
  EXPECT_TRUE(mentions(refusal(meta(), config(), kSnapshotData, 1), {"global batch", "24", "12"}));
}

TEST(Resumable, OtherEvaluationImagesAreAnnouncedUnlessTheyAreAPartOfTraining) {
  const DataIdentity now{"a", "x", {"cat", "dog"}};
  const ResumeChanges changes =
      check_resumable(meta(), "runs/x/checkpoints/last", config(), now, 2, 1200);
  ASSERT_EQ(changes.ahead.size(), 1U);
  EXPECT_TRUE(mentions(changes.ahead[0], {"evaluation images", "earlier results"}));
  settings::RunConfig divided = config();
  divided.data.holdout = 0.1;
  EXPECT_TRUE(mentions(refusal(describe_run(divided, kSnapshotData, 2), divided, now),
                       {"evaluation images"}));
}

TEST(Resumable, AnotherSizeIsRefusedThoughTheOldRunDidNotWriteItDown) {
  DataIdentity before = kSnapshotData, now = kSnapshotData;
  before.input = {28, 28, 1};
  now.input = {14, 14, 1};
  settings::RunConfig smaller = config();
  smaller.transforms.size = 14;
  EXPECT_TRUE(mentions(refusal(describe_run(config(), before, 2), smaller, now),
                       {"transforms.size", "28 x 28 x 1", "14 x 14 x 1"}));
}

TEST(Resumable, AllThatChangesTheCourseIsRefusedAtOnce) {
  settings::RunConfig now = config();
  now.optimizer.name = "adamw";
  now.run.seed = 7;
  const std::string text = refusal(meta(), now, {"x", "y", {"dog", "cat"}});
  EXPECT_TRUE(
      mentions(text,
               {"optimizer.name: it was sgd and is adamw, and the saved state is of the former",
                "run.seed: it was 42 and is 7, from which the order of samples",
                "training images",
                "class names"}))
      << text;
}

TEST(Resumable, WhatChangesTheStepsAheadIsAnnouncedWithBothValues) {
  settings::RunConfig before = config(), now = config();
  before.optimizer.lr = 0.1;
  now.optimizer.lr = 0.01;
  now.transforms.horizontal_flip = 0.25;
  now.schedule.name = "constant";
  const auto lines = announced(describe_run(before, kSnapshotData, 2), now);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(mentions(lines[0], {"transforms.horizontal_flip: ", " until step 1200, 0.25 from"}));
  EXPECT_EQ(lines[1], "optimizer.lr: 0.1 until step 1200, 0.01 from now on");
  EXPECT_EQ(lines[2], "schedule.name: cosine until step 1200, constant from now on");
}

// The buffers of the momentum are in the checkpoint, or they are not.
TEST(Resumable, MomentumMayChangeButNeitherBeginNorEnd) {
  settings::RunConfig now = config();
  now.optimizer.momentum = 0.5;
  ASSERT_EQ(announced(meta(), now).size(), 1U);
  now.optimizer.momentum = 0;
  EXPECT_TRUE(mentions(refusal(meta(), now), {"optimizer.momentum: it was 0.9 and is 0"}));
}

TEST(Resumable, MoreEpochsAreRefusedBeforeAnythingIsWrittenWhereCyclesHaveFixedEnds) {
  settings::RunConfig before = config(), now = config();
  before.schedule.cycles = now.schedule.cycles = 2;
  now.run.epochs *= 2;
  const config::Json meta = describe_run(before, kSnapshotData, 2);
  EXPECT_TRUE(mentions(refusal(meta, now), {"run.epochs", "cycles have fixed ends"}));
}

TEST(Resumable, OtherClassesAreRefusedWithTheFirstDifference) {
  EXPECT_TRUE(mentions(refusal(meta(), config(), {"a", "b", {"dog", "cat"}}),
                       {"order differ", "class 0 was cat and is dog"}));
  EXPECT_TRUE(mentions(refusal(meta(), config(), {"a", "b", {"cat", "frog"}}),
                       {"class 1 was dog and is frog"}));
  EXPECT_TRUE(mentions(refusal(meta(), config(), {"a", "b", {"cat", "dog", "frog"}}),
                       {"number of classes was 2 and is 3"}));
}

TEST(Resumable, OtherUnlabelledImagesAreRefused) {
  const std::string text = refusal(meta(), config(), {"a", "b", {"cat", "dog"}, "u"});
  EXPECT_TRUE(mentions(text, {"unlabelled images"})) << text;
}

TEST(Resumable, AnotherSplitIsRefused) {
  settings::RunConfig now = config();
  now.data.folds = 5;
  now.data.fold = 2;
  EXPECT_TRUE(mentions(refusal(meta(), now), {"data.folds", "data.fold"}));
}

TEST(Resumable, WhatOnlyChangesTheOutputIsFree) {
  settings::RunConfig now = config();
  now.run.output = "elsewhere";
  now.run.log_interval = 7;
  now.loader.workers = 3;
  now.checkpoint.keep_last = 9;
  EXPECT_TRUE(announced(meta(), now).empty());
}

TEST(Resumable, AnotherEndIsFreeAndFollowedByTheSchedule) {
  settings::RunConfig now = config();
  now.run.epochs = 99;
  now.train.eval_interval = 2;
  now.train.resume_schedule = "append";
  now.model.initial_checkpoint = "gone";
  EXPECT_TRUE(announced(meta(), now).empty());
}

// Runs from before there was ema.warmup had none.
TEST(Resumable, OlderRunsHaveTheirMovingAverageWithoutAWarmup) {
  config::Json old = meta();
  old["config"]["ema"].erase("warmup");
  EXPECT_TRUE(announced(old).empty());
  settings::RunConfig now = config();
  now.ema.enabled = true;
  old["config"]["ema"]["enabled"] = true;
  EXPECT_TRUE(mentions(refusal(old, now), {"ema.warmup"}));
  now.ema.warmup = false;
  EXPECT_TRUE(announced(old, now).empty());
}

}  // namespace
}  // namespace dtrain::run
