// The folder of an ensemble, and which members in it are finished.
//
//   <output>/
//     ensemble.json            the configuration, as it was given
//     log.txt
//     members/<name>/          an ordinary run folder, with the member's predictions and
//       finished.json          written last: what the member is, and checksums of its predictions
//     vote.h5                  and vote-validation.h5, that of the validation samples
//     vote.json                what the vote was made of and is worth
//     report.html              all of it as a page
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ensemble/ensemble_config.h"

namespace dtrain::ensemble {

// Predictions of one checkpoint of a member. A snapshot ensemble has several of them.
struct MemberPredictions {
  std::string name;                         // "resnet18", "snap@2"
  std::filesystem::path voted, validation;  // validation: empty where there is none
};

struct EnsembleFolder {
  std::filesystem::path path;

  std::filesystem::path config() const { return path / "ensemble.json"; }
  std::filesystem::path log() const { return path / "log.txt"; }
  std::filesystem::path vote() const { return path / "vote.h5"; }
  std::filesystem::path validation_vote() const { return path / "vote-validation.h5"; }
  std::filesystem::path report() const { return path / "report.html"; }
  std::filesystem::path member(const EnsembleMember& member) const {
    return path / "members" / member.name;
  }
};

// Where the predictions of a member are, one entry for each of its checkpoints that predict.
std::vector<MemberPredictions> predictions_of(const EnsembleConfig& config,
                                              const EnsembleMember& member);

// The checkpoints of a trained member that predict, links followed: one, or one for each snapshot.
// Throws Error(kIo) for one that is not there.
std::vector<std::filesystem::path> predicting_checkpoints(const EnsembleConfig& config,
                                                          const EnsembleMember& member);

// Notes that a member is trained and has predicted.
void write_finished(const EnsembleConfig& config, const EnsembleMember& member);

// What the folder of a member says of it.
struct MemberCondition {
  bool is_finished = false;
  bool is_damaged = false;   // a checkpoint that predicts is lost: only a new training helps
  std::string note = {};     // what of a finished one would be otherwise today, but for rounding
  std::string problem = {};  // why it is not finished; empty: it was never
};

// Reads all of its checkpoints and predictions that count. Throws Error(kConfig) where it was
// finished with settings that give another result.
MemberCondition condition_of(const EnsembleConfig& config, const EnsembleMember& member);

// Moves the folder of a damaged member out of the way; returns where it is now.
std::filesystem::path put_aside(const EnsembleConfig& config, const EnsembleMember& member);

}  // namespace dtrain::ensemble
