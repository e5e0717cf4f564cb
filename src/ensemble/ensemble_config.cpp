#include "ensemble/ensemble_config.h"

#include <algorithm>
#include <initializer_list>
#include <numeric>

#include "data/datasets/open_datasets.h"

namespace dtrain::ensemble {
namespace {

bool is_any_of(const std::string& path, std::initializer_list<const char*> paths) {
  return std::any_of(paths.begin(), paths.end(), [&](const char* one) { return path == one; });
}

// Whether a setting may say which samples validate. What divides the training split does so only
// where they are a part of it.
bool says_which_samples(const std::string& path, const std::string& validation) {
  if (!path.starts_with("data.")) return false;
  if (is_any_of(path, {"data.cache", "data.cache_mb", "data.data_dir", "data.test_split"}))
    return false;
  return validation == "eval" || !is_any_of(path,
                                            {"data.eval_split",
                                             "data.fold",
                                             "data.folds",
                                             "data.holdout",
                                             "data.split_seed",
                                             "data.labels_per_class",
                                             "data.unlabeled",
                                             "data.limit_train"});
}

}  // namespace

bool validates_apart(const EnsembleSection& ensemble, const EnsembleMember& member) {
  if (ensemble.validation == "none") return false;
  // eval is a split of its own where the training holds samples out.
  const auto split = [&](const std::string& name) {
    const data::DatasetConfig& data = member.config.data;
    return name == "eval" && !data::holds_out(data) ? data.eval_split : name;
  };
  return split(ensemble.validation) != split(ensemble.split);
}

bool calibrates(const EnsembleSection& ensemble, const EnsembleMember& member) {
  return ensemble.calibrate && validates_apart(ensemble, member);
}

std::string different_validation(const EnsembleConfig& config) {
  const EnsembleMember& first = config.members.front();
  for (const EnsembleMember& member : config.members) {
    if (!member.cross_validation.empty() && config.ensemble.validation == "eval") {
      return member.name + " is evaluated on a fold of its own";
    }
    for (const config::Difference& one : settings::differences(first.config, member.config)) {
      if (says_which_samples(one.path, config.ensemble.validation)) {
        return member.name + " has another " + one.path + " than " + first.name;
      }
    }
  }
  return "";
}

int64_t ranks_of(const EnsembleConfig& config, const EnsembleMember& member) {
  if (member.config.dist.deterministic_world > 0) return 0;
  const EnsembleSection& ensemble = config.ensemble;
  return ensemble.groups.empty() ? std::max<int64_t>(1, ensemble.ranks_per_group)
                                 : ensemble.groups.front();
}

std::vector<int64_t> group_sizes(const EnsembleConfig& config, int64_t ranks) {
  const EnsembleSection& ensemble = config.ensemble;
  if (ensemble.groups.empty()) {
    const int64_t size = std::max<int64_t>(1, ensemble.ranks_per_group);
    if (ranks % size != 0) {
      throw config_error(
          "ensemble.ranks_per_group",
          std::to_string(ranks) + " ranks do not make groups of " + std::to_string(size),
          "start a multiple of it, or change it");
    }
    return std::vector<int64_t>(size_t(ranks / size), size);
  }
  const auto& groups = ensemble.groups;
  const int64_t sum = std::accumulate(groups.begin(), groups.end(), int64_t{0});
  if (sum != ranks) {
    throw config_error(
        "ensemble.groups",
        "have " + std::to_string(sum) + " ranks together, and there are " + std::to_string(ranks),
        "start as many as the groups have");
  }
  const bool equal = std::all_of(
      groups.begin(), groups.end(), [&](int64_t size) { return size == groups.front(); });
  for (const EnsembleMember& member : config.members) {
    if (equal || member.config.dist.deterministic_world > 0) continue;
    throw config_error("ensemble.groups",
                       "differ in size, so that what member " + member.name +
                           " learns would depend on the group that trains it",
                       "set dist.deterministic_world in the base, or use groups of one size");
  }
  return groups;
}

}  // namespace dtrain::ensemble
