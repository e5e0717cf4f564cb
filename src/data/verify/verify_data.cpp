// Opens the splits one after the other, and compares what they hold.
#include "data/verify/verify_data.h"

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "data/datasets/open_datasets.h"
#include "data/datasets/recognise.h"
#include "data/datasets/subset.h"
#include "data/split_names.h"
#include "data/verify/verify_split.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

// A sample of any split, as far as comparisons need it.
struct Member {
  ContentHash hash;
  size_t split = 0;  // in the report
  int64_t index = 0;
  int64_t target = 0;
};

FindingKind kind_of(FolderProblem::Kind kind) {
  switch (kind) {
    case FolderProblem::Kind::kNoClass:
      return FindingKind::kNoClass;
    case FolderProblem::Kind::kUnknownClass:
      return FindingKind::kUnknownClass;
    case FolderProblem::Kind::kEmptyClass:
      return FindingKind::kEmptyClass;
    case FolderProblem::Kind::kIgnored:
      return FindingKind::kIgnoredFile;
    default:
      return FindingKind::kRefusedPath;
  }
}

class Verifier {
 public:
  explicit Verifier(const VerifyOptions& options)
      : options_(settled(options)), row_(find_dataset(options_.data.dataset)) {
    const std::string& dir = options_.data.data_dir;
    report_.dataset = row_.name;
    report_.folder = dir.empty() ? row_.default_dir : dir;
    if (report_.folder.empty()) {
      throw config_error(
          "data.data_dir", "data set " + row_.name + " has no default folder", "set --data-dir");
    }
    // Those of the run first: what stands in two splits is blamed on the later one.
    splits_ = {options_.data.train_split};
    for (const char* name : {options_.data.eval_split.c_str(), "train", "validation", "test"}) {
      if (place_of(name) == splits_.size()) splits_.emplace_back(name);
    }
    if (is_used(kUnlabelledSplit) || has_unlabelled()) splits_.emplace_back(kUnlabelledSplit);
    for (const std::string& split : splits_) {
      if (is_used(split)) report_.used_splits.insert(split);
    }
  }

  VerifyReport run() && {
    for (const std::string& split : splits_) verify(split);
    compare_contents();
    try_to_start();
    std::stable_sort(
        report_.findings.begin(), report_.findings.end(), [&](const auto& a, const auto& b) {
          return std::pair(place_of(a.split), a.severity()) <
                 std::pair(place_of(b.split), b.severity());
        });
    return std::move(report_);
  }

 private:
  static VerifyOptions settled(VerifyOptions options) {
    settle(options.data);
    return options;
  }

  bool is_used(const std::string& split) const {
    const DatasetConfig& data = options_.data;
    if (split == kUnlabelledSplit) return data.unlabeled == "split";
    // Parts of the training split take the place of the evaluation split.
    return split == data.train_split || split == data.test_split ||
           (split == data.eval_split && !holds_out(data));
  }

  bool has_unlabelled() const {
    if (row_.splits == nullptr) return false;
    try {
      const std::vector<std::string> found = splits_of(options_.data);
      return std::find(found.begin(), found.end(), kUnlabelledSplit) != found.end();
    } catch (const Error&) {
      return false;  // the training split says what is wrong
    }
  }

  size_t place_of(const std::string& split) const {
    return static_cast<size_t>(std::find(splits_.begin(), splits_.end(), split) - splits_.begin());
  }

  void add(FindingKind kind, const std::string& split, std::string where, std::string detail) {
    report_.findings.push_back({kind, split, std::move(where), std::move(detail)});
  }

  std::unique_ptr<Dataset> open(const std::string& split) {
    std::vector<FolderProblem> problems;
    std::unique_ptr<Dataset> dataset;
    try {
      SplitRequest request = request_of(options_.data, split, 0);
      request.problems = &problems;
      dataset = row_.open(row_, request);
      dataset->fingerprint();  // loads what is held in memory
    } catch (const Error& error) {
      dataset = nullptr;
      const bool matters = is_used(split) || !problems.empty();
      // That a data set has no validation split, say, is no news.
      if (matters || error.code() != ExitCode::kConfig) {
        add(matters ? FindingKind::kCannotOpen : FindingKind::kNotChecked,
            split,
            error.subject(),
            error.cause());
      }
    }
    for (FolderProblem& problem : problems) {
      add(kind_of(problem.kind), split, problem.path.string(), std::move(problem.cause));
    }
    return dataset;
  }

  void verify(const std::string& split) {
    datasets_.push_back(open(split));
    if (datasets_.back() == nullptr) return datasets_.pop_back();
    const Dataset& dataset = *datasets_.back();
    const auto progress = [&](int64_t done, int64_t total) {
      if (options_.progress) options_.progress(split, done, total);
    };
    SplitCheck checked = verify_split(dataset, split, options_.workers, progress);
    std::move(
        checked.findings.begin(), checked.findings.end(), std::back_inserter(report_.findings));
    SplitReport out{.split = split, .samples = dataset.size()};
    out.class_names = dataset.class_names();
    out.class_samples.resize(out.class_names.size());
    judge_labels(dataset, split);
    const size_t place = report_.splits.size();
    for (size_t i = 0; i < checked.samples.size(); ++i) {
      const SampleCheck& sample = checked.samples[i];
      out.bytes += sample.bytes;
      if (!sample.good) continue;
      ++out.good;
      if (sample.target >= 0 && sample.target < dataset.num_classes()) {
        ++out.class_samples[static_cast<size_t>(sample.target)];
      }
      members_.push_back({sample.hash, place, static_cast<int64_t>(i), sample.target});
    }
    report_.splits.push_back(std::move(out));
    compare_classes();
  }

  // Samples without a label are what the split `unlabeled` and an unused one may have.
  void judge_labels(const Dataset& dataset, const std::string& split) {
    if (split == kUnlabelledSplit) return;
    const int64_t missing = dataset.size() - labelled_samples(dataset);
    if (missing == 0) return;
    const bool set_apart = split == options_.data.train_split && options_.data.unlabeled == "rest";
    const bool fails = is_used(split) && !set_apart;
    add(fails ? FindingKind::kLacksLabels : FindingKind::kNoLabels,
        split,
        dataset.name(),
        std::to_string(missing) + " of " + std::to_string(dataset.size()) +
            " samples have no label" +
            (fails ? ", and the run trains, evaluates or tests on this split" : ""));
    if (missing == dataset.size()) without_labels_.insert(split);
  }

  // What no split shows by itself, such as a hold-out that holds out nothing, ends a training as it
  // begins.
  void try_to_start() {
    if (report_.training_would_fail()) return;
    try {
      open_datasets(options_.data, options_.seed);
    } catch (const Error& error) {
      const std::string advice = error.advice().empty() ? "" : "; " + error.advice();
      add(FindingKind::kCannotOpen,
          options_.data.train_split,
          error.subject(),
          error.cause() + advice);
    }
  }

  // The last split with the training one.
  void compare_classes() {
    const SplitReport& last = report_.splits.back();
    const SplitReport& train = report_.splits.front();
    if (train.split == options_.data.train_split && last.class_names != train.class_names) {
      add(FindingKind::kClassList,
          last.split,
          datasets_.back()->name(),
          "has " + std::to_string(last.class_names.size()) + " classes, " + train.split + " has " +
              std::to_string(train.class_names.size()) + ", and " + first_difference(last, train));
    }
    if (last.split == kUnlabelledSplit || without_labels_.contains(last.split)) return;
    for (size_t k = 0; k < last.class_names.size(); ++k) {
      if (last.class_samples[k] > 0) continue;
      add(FindingKind::kMissingClass,
          last.split,
          datasets_.back()->name(),
          "has no readable sample of class " + last.class_names[k]);
    }
  }

  static std::string first_difference(const SplitReport& a, const SplitReport& b) {
    const auto name = [](const SplitReport& split, size_t k) {
      return k < split.class_names.size() ? split.class_names[k] : std::string("absent");
    };
    size_t k = 0;
    while (name(a, k) == name(b, k)) ++k;
    return "class " + std::to_string(k) + " is " + name(a, k) + " there, " + name(b, k) + " here";
  }

  std::string describe(const Member& member) const {
    const std::string path = datasets_[member.split]->path(member.index).string();
    return path.empty() ? datasets_[member.split]->describe(member.index) : path;
  }
  std::string class_of(const Member& member) const {
    const auto& names = report_.splits[member.split].class_names;
    return member.target >= 0 && member.target < static_cast<int64_t>(names.size())
               ? names[static_cast<size_t>(member.target)]
               : "none";
  }

  void compare_contents() {
    const auto order = [](const Member& a, const Member& b) {
      return std::tie(a.hash, a.split, a.index) < std::tie(b.hash, b.split, b.index);
    };
    std::sort(members_.begin(), members_.end(), order);
    const Member* first = nullptr;           // of the group of equal contents
    const Member* first_in_split = nullptr;  // of these, in the same split
    for (const Member& member : members_) {
      if (first == nullptr || member.hash != first->hash) {
        first = first_in_split = &member;
        continue;
      }
      if (member.split != first_in_split->split) {
        first_in_split = &member;
        report_twin(FindingKind::kInTwoSplits, member, *first);
      } else {
        report_twin(member.target == first_in_split->target ? FindingKind::kDuplicate
                                                            : FindingKind::kConflictingLabels,
                    member,
                    *first_in_split);
      }
    }
  }

  void report_twin(FindingKind kind, const Member& member, const Member& earlier) {
    const std::string own = class_of(member), other = class_of(earlier);
    add(kind,
        report_.splits[member.split].split,
        describe(member),
        "is " + describe(earlier) + " again" +
            (own == other ? "" : ", of class " + own + " here and " + other + " there"));
  }

  const VerifyOptions options_;
  const DatasetRow& row_;
  std::vector<std::string> splits_;
  VerifyReport report_;
  std::set<std::string> without_labels_;
  std::vector<std::unique_ptr<Dataset>> datasets_;  // of report_.splits
  std::vector<Member> members_;
};

}  // namespace

int64_t VerifyReport::count(FindingKind kind, const std::string& split) const {
  return std::count_if(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.kind == kind && finding.split == split;
  });
}

int64_t VerifyReport::count(Severity severity) const {
  return std::count_if(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.severity() == severity;
  });
}

bool VerifyReport::training_would_fail() const {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.severity() == Severity::kError && used_splits.contains(finding.split);
  });
}

VerifyReport verify_data(const VerifyOptions& options) { return Verifier(options).run(); }

}  // namespace dtrain::data
