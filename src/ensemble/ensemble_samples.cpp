#include "ensemble/ensemble_samples.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "data/datasets/recognise.h"
#include "predict/predict_run.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::ensemble {
namespace {

struct WantedSplit {
  std::string setting, name;
  bool needs_labels = false;
};

std::vector<WantedSplit> wanted_splits(const EnsembleSection& ensemble,
                                       const EnsembleMember& member) {
  const bool fits = calibrates(ensemble, member) || ensemble.weights != "equal";
  std::vector<WantedSplit> wanted;
  if (ensemble.validation != "none") {
    wanted.push_back({"ensemble.validation", ensemble.validation, fits});
  }
  wanted.push_back({"ensemble.split", ensemble.split, false});
  return wanted;
}

bool show_the_same(const settings::RunConfig& a, const settings::RunConfig& b) {
  const std::vector<config::Difference> all = settings::differences(a, b);
  return std::none_of(all.begin(), all.end(), [](const config::Difference& one) {
    return one.path.starts_with("data.") || one.path.starts_with("transforms.");
  });
}

// The values of the setting that these data allow.
std::string advice_on(const WantedSplit& wanted, const data::DatasetConfig& data) {
  std::vector<std::string> fitting = {"eval"};
  const std::vector<std::string> present = data::splits_of(data);
  const auto offer = [&](const std::string& name) {
    if (name == wanted.name) return;
    if (std::find(present.begin(), present.end(), name) != present.end()) fitting.push_back(name);
  };
  if (wanted.setting == "ensemble.split") offer("train");
  offer("validation");
  if (wanted.setting == "ensemble.split") offer("test");
  return "set " + wanted.setting + " to " + util::joined(fitting, " or ");
}

void expect_split(const WantedSplit& wanted, const data::DatasetConfig& data) {
  if (wanted.name == "eval" || wanted.name == "train") return;  // what members are trained with
  // A folder that is missing altogether is for the data set to report.
  if (std::error_code ignored;
      !data.data_dir.empty() && !std::filesystem::exists(data.data_dir, ignored))
    return;
  const std::vector<std::string> present = data::splits_of(data);
  if (std::find(present.begin(), present.end(), wanted.name) != present.end()) return;
  const bool are_fixed = data::find_dataset(data.dataset).splits == nullptr;  // in any folder
  throw Error(are_fixed ? ExitCode::kConfig : ExitCode::kData,
              wanted.setting + "=" + wanted.name,
              "the data set has no such split; it has " + util::joined(present, ", "),
              advice_on(wanted, data));
}

void expect_labels(const WantedSplit& wanted,
                   int64_t labelled,
                   const EnsembleSection& ensemble,
                   const data::DatasetConfig& data) {
  if (labelled > 0 || !wanted.needs_labels) return;
  const bool is_weighted = ensemble.weights != "equal";
  std::string advice = wanted.name == "eval" ? "set data.eval_split to a split with labels"
                                             : advice_on(wanted, data);
  advice += is_weighted ? ", or ensemble.weights=equal with ensemble.calibrate=false"
                        : ", or ensemble.calibrate=false";
  throw data_error(wanted.setting + "=" + wanted.name,
                   "no sample of it has a label, and " +
                       std::string(is_weighted ? "weights" : "temperatures") + " are fitted on it",
                   advice);
}

// Settings are wrong for all members, and thrown at once.
std::optional<Error> trouble_with_samples(const EnsembleSection& ensemble,
                                          const EnsembleMember& member) {
  for (const WantedSplit& wanted : wanted_splits(ensemble, member)) {
    try {
      data::DatasetConfig data = member.config.data;
      data::settle(data);
      expect_split(wanted, data);
      const int64_t labelled =
          predict::expect_predictable(member.config, wanted.name, ensemble.views);
      expect_labels(wanted, labelled, ensemble, data);
    } catch (const Error& error) {
      if (error.code() == ExitCode::kConfig) throw;
      return error;
    }
  }
  return std::nullopt;
}

}  // namespace

// Members of the same data are looked at once, for opening them may mean to read large folders.
void expect_samples(const EnsembleConfig& config, const std::vector<bool>& done) {
  std::vector<const settings::RunConfig*> seen;
  std::optional<Error> first;
  bool is_any_fine = false;
  for (size_t i = 0; i < done.size(); ++i) {
    const EnsembleMember& member = config.members[i];
    const bool is_known =
        std::any_of(seen.begin(), seen.end(), [&](const settings::RunConfig* one) {
          return show_the_same(*one, member.config);
        });
    if (done[i] || is_known) continue;
    seen.push_back(&member.config);
    std::optional<Error> trouble = trouble_with_samples(config.ensemble, member);
    is_any_fine = is_any_fine || !trouble;
    if (!first) first = std::move(trouble);
  }
  if (first && !is_any_fine) throw *first;
}

}  // namespace dtrain::ensemble
