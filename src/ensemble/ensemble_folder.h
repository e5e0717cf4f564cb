// The folder of an ensemble, and which members in it are finished.
//
//   <output>/
//     ensemble.json            the configuration, as it was given
//     log.txt
//     members/<name>/          an ordinary run folder, with the member's predictions and
//       finished.json          written last: what the member is, and checksums of its predictions
//     vote.h5                  and vote-validation.h5, that of the validation samples
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
  std::filesystem::path member(const EnsembleMember& member) const {
    return path / "members" / member.name;
  }
};

// Whether the samples that temperatures and weights are fitted on are others than those voted on.
bool validates_apart(const EnsembleSection& ensemble, const EnsembleMember& member);

// Where the predictions of a member are, one entry for each of its checkpoints that predict.
std::vector<MemberPredictions> predictions_of(const EnsembleConfig& config,
                                              const EnsembleMember& member);

// Notes that a member is trained and has predicted.
void write_finished(const EnsembleConfig& config, const EnsembleMember& member);

// Whether it is, and its checkpoints and predictions are sound. `why` says what is not. Throws
// Error(kConfig) where it was trained with settings that give another result.
bool is_finished(const EnsembleConfig& config, const EnsembleMember& member, std::string* why);

}  // namespace dtrain::ensemble
