// What an ensemble is made of: a base configuration and members that change parts of it.
//
//   {
//     "ensemble": {"output": "runs/food11-ensemble", "ranks_per_group": 2, "vote": "soft"},
//     "base": {"data": {...}, "run": {...}},            or "base": "food11.json" beside this file
//     "members": [
//       {"name": "r18", "config": {"model": {"name": "resnet18"}}},
//       {"name": "r50", "config": {"model": {"name": "resnet50"}}, "seeds": [1, 2, 3]},
//       {"name": "cv", "folds": 5},
//       {"name": "snap", "snapshots": 4}
//     ]
//   }
//
// docs/ensembles.md is the page for users.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/fields.h"
#include "data/split_names.h"
#include "settings/run_config.h"

namespace dtrain::ensemble {

struct EnsembleSection {
  std::string output;
  int64_t ranks_per_group = 0;
  std::vector<int64_t> groups;
  std::string checkpoint = "best";
  std::string split = "test";
  std::string validation = "eval";
  std::string views = "identity";
  std::string vote = "soft";
  std::string weights = "equal";
  bool calibrate = true;
  int64_t quorum = 0;
};

template <class V>
void fields(V& v, EnsembleSection& c) {
  using namespace config;
  v("output", c.output, not_empty(), "Folder of the ensemble; the same command goes on in it.");
  v("ranks_per_group",
    c.ranks_per_group,
    at_least(0),
    "Ranks that train a member together; 0: one, or what `groups` says.");
  v("groups",
    c.groups,
    at_least(1),
    "Sizes of the groups where they differ; then dist.deterministic_world must be set, so that a "
    "member does not depend on who trains it.");
  v("checkpoint", c.checkpoint, one_of({"best", "last"}), "Checkpoint of a member that predicts.");
  v("split",
    c.split,
    data::one_of_splits({"eval", "train", "validation", "test"}),
    "Samples that are voted on.");
  v("validation",
    c.validation,
    data::one_of_splits({"none", "eval", "validation"}),
    "Samples that temperatures and weights are fitted on; eval: what each member was evaluated on "
    "while it was trained, so that data.holdout keeps it apart from the split voted on.");
  v("views", c.views, "Test-time augmentation of the members' predictions (docs/transforms.md).");
  v("vote",
    c.vote,
    one_of({"soft", "hard", "rank-average"}),
    "How members become one: mean of probabilities, mode of classes, mean of ranks.");
  v("weights",
    c.weights,
    one_of({"equal", "accuracy", "fitted"}),
    "Weights of a soft vote: by accuracy on the validation samples, or fitted on them.");
  v("calibrate",
    c.calibrate,
    "Fit a temperature for each member on the validation samples, and divide its logits by it.");
  v("quorum",
    c.quorum,
    at_least(0),
    "Vote with at least so many members where others failed; 0: with all or not at all.");
}

// The section under its name, as a configuration has it.
struct EnsembleSections {
  EnsembleSection ensemble;
};

template <class V>
void fields(V& v, EnsembleSections& c) {
  v("ensemble", c.ensemble, "The ensemble.");
}

// One training.
struct EnsembleMember {
  std::string name;  // of its folder, <output>/members/<name>
  settings::RunConfig config;
  int64_t snapshots = 1;         // checkpoints that predict, each at the end of a cycle
  std::string cross_validation;  // the folds it is one of, as "cv" for cv-fold0; empty: none
  double cost = 0;               // relative
};

struct EnsembleConfig {
  EnsembleSection ensemble;
  std::vector<EnsembleMember> members;
  std::string text;         // of the file, for the record
  config::Origins origins;  // of the ensemble section
};

// Whether the samples that temperatures and weights are fitted on are others than those voted on.
bool validates_apart(const EnsembleSection& ensemble, const EnsembleMember& member);

// Whether a temperature is fitted for a member.
bool calibrates(const EnsembleSection& ensemble, const EnsembleMember& member);

// Why members may have been validated on different samples, so that their vote cannot be; empty:
// they were not.
std::string different_validation(const EnsembleConfig& config);

// How many ranks train a member together; 0: any number gives the same, as in the deterministic
// world.
int64_t ranks_of(const EnsembleConfig& config, const EnsembleMember& member);

// The sizes of the groups that `ranks` ranks form. Throws Error(kConfig) where they do not fit.
std::vector<int64_t> group_sizes(const EnsembleConfig& config, int64_t ranks);

}  // namespace dtrain::ensemble
