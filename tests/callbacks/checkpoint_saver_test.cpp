// When checkpoints are saved, by which rank, and that none is saved twice.
#include "callbacks/checkpoint_saver.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/callbacks/training_by_hand.h"
#include "tests/support/temp_folder.h"

namespace dtrain::callbacks {
namespace {

using testing::names_in;
using testing::TrainingByHand;
using Steps = std::vector<int64_t>;

// A saver, the folder it writes to, and the snapshots that it asked for.
class CheckpointSaverTest : public ::testing::Test {
 protected:
  CheckpointSaver saver(checkpoint::CheckpointConfig config, bool writes = true) {
    config.keep_last = 100;
    std::optional<checkpoint::CheckpointStore> store;
    if (writes) store.emplace(checkpoints(), config);
    return {
        config, std::move(store), [this](const train::TrainState& state) {
          const bool pending = state.is_evaluation_pending();
          (pending ? before_evaluations_ : snapshots_).push_back(state.step);
          batches_[state.step] = state.batch;
          checkpoint::CheckpointData data;
          data.weights = {{"model", {{"weight", at::full({2}, static_cast<float>(state.step))}}}};
          data.position = {state.step, state.epoch, state.batch};
          return data;
        }};
  }

  std::filesystem::path checkpoints() const { return folder_ / "checkpoints"; }
  std::string target_of(const std::string& link) const {
    return std::filesystem::read_symlink(checkpoints() / link).string();
  }

  testing::TempFolder folder_;
  train::Requests requests_;
  Steps snapshots_, before_evaluations_;  // their steps
  std::map<int64_t, int64_t> batches_;    // step -> batches done of its epoch
};

TEST_F(CheckpointSaverTest, SavesAfterEverySecondEpochWhereThatIsAskedFor) {
  auto saver = this->saver({.save_every_epochs = 2});
  TrainingByHand().run({&saver});
  EXPECT_EQ(snapshots_, (Steps{6, 12}));
  EXPECT_EQ(names_in(checkpoints()),
            (std::vector<std::string>{
                "last", "step-00000003", "step-00000006", "step-00000009", "step-00000012"}));
  EXPECT_EQ(target_of("last"), "step-00000012");
}

TEST_F(CheckpointSaverTest, SavesTheLastEpochWhateverTheInterval) {
  auto saver = this->saver({.save_every_epochs = 3});
  TrainingByHand().run({&saver});
  EXPECT_EQ(snapshots_, (Steps{9, 12}));
}

TEST_F(CheckpointSaverTest, SavesWithinEpochsAndTheLastStepOfOneOnceBehindItsEvaluation) {
  auto saver = this->saver({.save_every_steps = 2, .save_every_epochs = 0});
  TrainingByHand training;
  train::TrainState end = training.run({&saver});
  saver.on_train_end(end, requests_);
  EXPECT_EQ(snapshots_, (Steps{2, 4, 6, 8, 10, 12}));
  EXPECT_EQ(batches_.at(2), 2);
  EXPECT_EQ(batches_.at(6), TrainingByHand::kSteps);

  // In a hook of its own, the step alone saves nothing: the evaluation is still to come.
  snapshots_.clear();
  train::TrainState last_step = TrainingByHand::after(6);
  last_step.epoch = 1;
  last_step.batch = TrainingByHand::kSteps;
  saver.on_step_end(last_step, requests_);
  EXPECT_EQ(snapshots_, Steps{});
}

TEST_F(CheckpointSaverTest, KeepsTheBestEvenWhereNoCheckpointIsDue) {
  auto saver = this->saver({.save_every_epochs = 0});
  TrainingByHand{.best = {0, 2}}.run({&saver});
  EXPECT_EQ(snapshots_, (Steps{3, 9, 12}));
  EXPECT_EQ(target_of("best"), "step-00000009");
  EXPECT_EQ(target_of("last"), "step-00000012");
}

TEST_F(CheckpointSaverTest, SavesNoBestWhereNobodyWantsIt) {
  auto saver = this->saver({.save_every_epochs = 0, .keep_best = false});
  TrainingByHand{.best = {0, 2}}.run({&saver});
  EXPECT_EQ(snapshots_, (Steps{12}));
  EXPECT_EQ(target_of("last"), "step-00000012");
  EXPECT_EQ(names_in(checkpoints()).front(), "last");  // and no best
}

// An evaluation can end in a kill: the epoch's steps are on disk by then, and the saved position
// says that the evaluation is still to come.
TEST_F(CheckpointSaverTest, SavesBeforeEveryEvaluationOnceMore) {
  auto saver = this->saver({});
  TrainingByHand{.not_evaluated = {1}}.run({&saver});
  EXPECT_EQ(before_evaluations_, (Steps{3, 9, 12}));
  EXPECT_EQ(snapshots_, (Steps{3, 6, 9, 12}));
}

TEST_F(CheckpointSaverTest, SavesNoSecondTimeBeforeTheEvaluationThatAResumeBeginsWith) {
  auto saver = this->saver({});
  const train::TrainState pending = TrainingByHand::before_evaluation(3);
  saver.on_train_start(pending, requests_);
  saver.on_validation_start(pending, requests_);
  EXPECT_EQ(before_evaluations_, Steps{});
  saver.on_train_end(pending, requests_);
  EXPECT_EQ(before_evaluations_, Steps{});
  saver.on_train_end(TrainingByHand::after(3), requests_);  // evaluated by now
  EXPECT_EQ(snapshots_, Steps{3});
}

TEST_F(CheckpointSaverTest, SavesWhereTheRanksAgreedTo) {
  auto saver = this->saver({.save_every_epochs = 0});
  train::TrainState state = TrainingByHand::after(2);
  saver.on_step_end(state, requests_);
  EXPECT_EQ(snapshots_, Steps{});
  state.granted = train::Wish::kSave;
  saver.on_step_end(state, requests_);
  EXPECT_EQ(snapshots_, Steps{2});
}

TEST_F(CheckpointSaverTest, SavesATrainingThatIsStoppedWithinAnEpoch) {
  auto saver = this->saver({});
  train::TrainState stopped = TrainingByHand().run({&saver}, 0, 5);
  EXPECT_EQ(snapshots_, (Steps{3}));
  saver.on_train_end(stopped, requests_);
  EXPECT_EQ(snapshots_, (Steps{3, 5}));
  EXPECT_EQ(target_of("last"), "step-00000005");
}

TEST_F(CheckpointSaverTest, SavesNothingAgainWhenATrainingEndsWhereItWasSaved) {
  auto saver = this->saver({});
  train::TrainState ended = TrainingByHand().run({&saver}, 0, 6);
  saver.on_train_end(ended, requests_);
  EXPECT_EQ(snapshots_, (Steps{3, 6}));
}

TEST_F(CheckpointSaverTest, SavesNothingWhereAResumedTrainingDoesNoStep) {
  auto saver = this->saver({.save_every_steps = 1});
  for (const int64_t step : {int64_t{0}, int64_t{5}, TrainingByHand::kAll}) {
    train::TrainState state = TrainingByHand().run({&saver}, step, step);
    saver.on_train_end(state, requests_);
  }
  EXPECT_EQ(snapshots_, Steps{});
}

TEST_F(CheckpointSaverTest, SavesAStepAgainThatWasTakenBack) {
  auto saver = this->saver({});
  TrainingByHand().run({&saver}, 0, 6);
  train::TrainState again = TrainingByHand().run({&saver}, 3, 6);  // the trainer's rollback
  saver.on_train_end(again, requests_);
  EXPECT_EQ(snapshots_, (Steps{3, 6, 6}));
}

TEST_F(CheckpointSaverTest, OtherRanksTakePartInTheSameSnapshotsAndWriteNothing) {
  const checkpoint::CheckpointConfig config{.save_every_steps = 2};
  const TrainingByHand training{.best = {1}};
  auto writer = saver(config);
  train::TrainState end = training.run({&writer}, 0, 11);
  writer.on_train_end(end, requests_);
  const Steps of_the_writer = std::move(snapshots_);
  const auto written = names_in(checkpoints());

  snapshots_.clear();
  auto other = saver(config, false);
  end = training.run({&other}, 0, 11);
  other.on_train_end(end, requests_);
  EXPECT_EQ(snapshots_, of_the_writer);
  EXPECT_EQ(names_in(folder_.path()), (std::vector<std::string>{"checkpoints"}));
  EXPECT_EQ(names_in(checkpoints()), written);
}

TEST_F(CheckpointSaverTest, ASnapshotThatFailsLeavesTheCheckpointsAsTheyAre) {
  std::optional<checkpoint::CheckpointStore> store(
      std::in_place, checkpoints(), checkpoint::CheckpointConfig{});
  CheckpointSaver saver({}, std::move(store), [](const train::TrainState& state) {
    if (state.step == 6) throw Error(ExitCode::kDiverged, "replicas", "they differ", "");
    checkpoint::CheckpointData data;
    data.weights = {{"model", {{"weight", at::ones({2})}}}};
    data.position = {state.step, state.epoch, state.batch};
    return data;
  });
  EXPECT_THROW(TrainingByHand().run({&saver}), Error);
  EXPECT_EQ(names_in(checkpoints()), (std::vector<std::string>{"last", "step-00000003"}));
}

}  // namespace
}  // namespace dtrain::callbacks
