#include "ensemble/ensemble_reader.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include "config/json.h"
#include "data/datasets/recognise.h"
#include "models/model_table.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::ensemble {
namespace {

using config::Json;
using config::JsonDocument;
using config::Problems;

constexpr int64_t kMostOfAKind = 1000;  // folds, snapshots: more is a slip, and would fill memory
constexpr int64_t kAssumedSide = 32;    // of images whose size only the data know

// The part of a document below a key, which its messages name.
JsonDocument part_of(const JsonDocument& document, const std::string& key) {
  JsonDocument part{document.name, document.root.at(key), {}};
  for (const auto& [path, line] : document.lines) {
    if (path.starts_with(key + ".")) part.lines[path.substr(key.size() + 1)] = line;
  }
  return part;
}

bool is_member_name(const std::string& text) {
  return !text.empty() && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

class Loader {
 public:
  Loader(const std::string& file, const std::vector<config::Override>& overrides)
      : file_(file), overrides_(overrides) {}

  EnsembleConfig load() {
    const JsonDocument document = config::read_json_file(file_, {}, &problems_);
    if (!document.root.is_object()) {
      throw config_error("ensemble " + file_,
                         "must be an object in braces, with ensemble, base and members",
                         "docs/ensembles.md has an example");
    }
    for (const auto& [key, value] : document.root.items()) {
      if (key == "ensemble" || key == "base" || key == "members") continue;
      problems_.add(file_, "has a key " + key + "; there are ensemble, base and members");
    }
    read_ensemble(document);
    read_base(document);
    const Json members = document.root.value("members", Json::array());
    if (!members.is_array() || members.empty()) {
      problems_.add("members", "must be a list of at least one member");
    } else {
      for (size_t i = 0; i < members.size(); ++i) {
        add_members("members[" + std::to_string(i) + "]", members[i]);
      }
    }
    check_vote();
    problems_.throw_if_any("ensemble " + file_);
    config_.text = document.root.dump(2) + "\n";
    return std::move(config_);
  }

 private:
  void read_ensemble(const JsonDocument& document) {
    EnsembleSections sections;
    config::Origins& origins = config_.origins;
    const config::FieldList list = config::collect(sections);
    JsonDocument part{document.name, Json::object(), document.lines};
    part.root["ensemble"] = document.root.value("ensemble", Json::object());
    config::read_values(part, list, origins, problems_);
    for (const config::Override& setting : overrides_) {
      if (config::find_field(list, setting.path) != nullptr) {
        config::read_text(list, setting, origins, problems_);
      }
    }
    config::check_limits(list, origins, problems_);
    config_.ensemble = sections.ensemble;
  }

  void check_vote() {
    const EnsembleSection& ensemble = config_.ensemble;
    if (ensemble.quorum > int64_t(config_.members.size())) {
      problems_.add("ensemble.quorum",
                    "is " + std::to_string(ensemble.quorum) + ", and there are " +
                        std::to_string(config_.members.size()) + " members");
    }
    check_members();
    if (ensemble.weights == "equal") return;
    if (ensemble.vote != "soft") {
      problems_.add("ensemble.weights",
                    "are those of a soft vote, and ensemble.vote is " + ensemble.vote);
    }
    if (ensemble.validation == "none") {
      problems_.add("ensemble.weights", "are found on validation samples: set ensemble.validation");
    }
    const std::string different =
        ensemble.validation == "none" ? "" : different_validation(config_);
    if (!different.empty()) {
      problems_.add(
          "ensemble.weights",
          "are found on the same samples for all members, but " + different + ": use equal");
    }
  }

  // What would otherwise show only when everything is trained.
  void check_members() {
    const EnsembleSection& ensemble = config_.ensemble;
    for (const EnsembleMember& member : config_.members) {
      if (ensemble.checkpoint == "best" && !member.config.checkpoint.keep_best) {
        problems_.add("ensemble.checkpoint",
                      "is best, and member " + member.name + " sets checkpoint.keep_best=false");
      }
      if (ensemble.weights != "equal" && ensemble.validation != "none" &&
          !validates_apart(ensemble, member)) {
        problems_.add("ensemble.weights",
                      "would be found on the samples that are voted on: set data.holdout for " +
                          member.name + ", or use equal");
      }
    }
    if (ensemble.split != "eval" && ensemble.split != "train") return;
    for (const EnsembleMember& member : config_.members) {
      if (member.cross_validation.empty()) continue;
      problems_.add("ensemble.split",
                    "is " + ensemble.split + ", of which each fold, as " + member.name +
                        ", has other samples: use test or validation");
      return;
    }
  }

  void read_base(const JsonDocument& document) {
    const config::FieldList list = config::collect(base_);
    const Json base = document.root.value("base", Json::object());
    if (base.is_string()) {
      const auto path = std::filesystem::path(file_).parent_path() / base.get<std::string>();
      config::read_values(
          config::read_json_file(path.string(), {}, &problems_), list, base_.origins, problems_);
    } else if (document.root.contains("base")) {
      config::read_values(part_of(document, "base"), list, base_.origins, problems_);
    }
    Problems of_members;  // where the same flags are read again
    for (const config::Override& setting : overrides_) {
      if (config::find_field(list, setting.path) != nullptr) {
        config::read_text(list, setting, base_.origins, of_members);
      }
    }
  }

  void add_members(const std::string& where, const Json& json) {
    if (!json.is_object()) {
      problems_.add(where, "must be an object");
      return;
    }
    EnsembleMember member;
    member.config = base_;
    if (const auto name = json.find("name"); name != json.end()) {
      if (name->is_string()) {
        member.name = *name;
      } else {
        problems_.add(where + ".name", "must be text");
      }
    }
    const config::FieldList list = config::collect(member.config);
    if (json.contains("config")) {
      config::read_values({file_ + ": " + where + ".config", json.at("config"), {}},
                          list,
                          member.config.origins,
                          problems_);
    }
    for (const config::Override& setting : overrides_) {
      if (config::find_field(list, setting.path) != nullptr) {
        config::read_text(list, setting, member.config.origins, problems_);
      }
    }
    for (const auto& [key, value] : json.items()) {
      if (std::set<std::string>{"name", "config", "seeds", "folds", "snapshots", "cost"}.count(
              key) == 0) {
        problems_.add(
            where,
            "has a key " + key + "; there are name, config, seeds, folds, snapshots and cost");
      }
    }
    // Members differ in their training, not in what is held out, and folds are of one division.
    if (member.config.data.split_seed < 0) {
      set(member, "data.split_seed", member.config.data.split_seed, base_.run.seed);
    }
    if (member.name.empty()) member.name = member.config.model.name;
    if (json.contains("cost")) member.cost = number(where + ".cost", json.at("cost"));
    add_snapshots(where, json, std::move(member));
  }

  // Names and settings that follow from the kind of member, one kind after the other.
  void add_snapshots(const std::string& where, const Json& json, EnsembleMember member) {
    if (json.contains("snapshots")) {
      member.snapshots = whole(where + ".snapshots", json.at("snapshots"), 1, kMostOfAKind);
      set(member, "schedule.cycles", member.config.schedule.cycles, member.snapshots);
      set(member,
          "checkpoint.keep_every_epochs",
          member.config.checkpoint.keep_every_epochs,
          std::max<int64_t>(1, member.config.run.epochs / std::max<int64_t>(1, member.snapshots)));
    }
    if (!json.contains("seeds")) return add_folds(where, json, std::move(member));
    if (!json.at("seeds").is_array() || json.at("seeds").empty()) {
      problems_.add(where + ".seeds", "must be a list of numbers");
      return;
    }
    for (const Json& seed : json.at("seeds")) {
      EnsembleMember one = member;
      const int64_t value = whole(where + ".seeds", seed, 0, std::numeric_limits<int64_t>::max());
      set(one, "run.seed", one.config.run.seed, value);
      one.name += "-seed" + std::to_string(value);
      add_folds(where, json, std::move(one));
    }
  }

  void add_folds(const std::string& where, const Json& json, EnsembleMember member) {
    if (!json.contains("folds")) return add(where, std::move(member));
    const int64_t folds = whole(where + ".folds", json.at("folds"), 2, kMostOfAKind);
    for (int64_t fold = 0; fold < folds; ++fold) {
      EnsembleMember one = member;
      one.cross_validation = member.name;
      set(one, "data.folds", one.config.data.folds, folds);
      set(one, "data.fold", one.config.data.fold, fold);
      one.name += "-fold" + std::to_string(fold);
      add(where, std::move(one));
    }
  }

  // Where the data cannot be looked at, training says why.
  static void settle_data(EnsembleMember& member) {
    data::DatasetConfig data = member.config.data;
    try {
      for (const data::Choice& one : data::settle(data).choices) {
        member.config.origins[one.path] = config::automatic(one.why);
      }
      member.config.data = data;
    } catch (const Error&) {
    }
  }

  void add(const std::string& where, EnsembleMember member) {
    settle_data(member);
    if (!is_member_name(member.name)) {
      problems_.add(where + ".name",
                    "is " + util::quoted(member.name) + "; letters, digits, - _ . are allowed");
    }
    if (!names_.insert(member.name).second) {
      problems_.add(where, "there are two members " + member.name + "; give it another name");
    }
    member.config.run.experiment = member.name;
    member.config.run.output = config_.ensemble.output + "/members";
    Problems of_member = settings::validate(member.config);
    for (const config::Problem& problem : of_member.all()) {
      problems_.add("member " + member.name + ": " + problem.where, problem.text);
    }
    if (member.cost == 0 && of_member.empty()) member.cost = estimated_cost(member.config);
    config_.members.push_back(std::move(member));
  }

  static double estimated_cost(const settings::RunConfig& config) {
    const int64_t side = config.transforms.size > 0 ? config.transforms.size : kAssumedSide;
    models::ModelConfig model = config.model;
    if (model.in_channels == 0) model.in_channels = 3;
    if (model.num_classes == 0) model.num_classes = 10;
    const models::InputSpec input{model.in_channels, side, side, model.num_classes};
    return double(models::multiply_adds(models::resolve(model, input), input)) *
           double(config.run.epochs);
  }

  double number(const std::string& where, const Json& value) {
    if (value.is_number() && value.get<double>() > 0) return value.get<double>();
    if (value.is_number() && value.get<double>() == 0) return 0;
    problems_.add(where, "must be a number, not below 0");
    return 1;
  }

  // `low` where it is not one, with a problem noted. One beyond 64 bits reads as negative.
  int64_t whole(const std::string& where, const Json& json, int64_t low, int64_t high) {
    const int64_t value = json.is_number_integer() ? json.get<int64_t>() : -1;
    if (value >= low && value <= high) return value;
    const bool is_bounded = high < std::numeric_limits<int64_t>::max();
    problems_.add(where,
                  "must be a whole number " +
                      (is_bounded ? "from " + std::to_string(low) + " to " + std::to_string(high)
                                  : "of " + std::to_string(low) + " or more"));
    return low;
  }

  template <class T>
  static void set(EnsembleMember& member, const std::string& path, T& field, T value) {
    field = value;
    member.config.origins[path] = "ensemble member " + member.name;
  }

  std::string file_;
  std::vector<config::Override> overrides_;
  Problems problems_;
  EnsembleConfig config_;
  settings::RunConfig base_;
  std::set<std::string> names_;
};

}  // namespace

bool is_ensemble_config(const std::string& file) {
  Problems of_whoever_reads_it;
  return config::read_json_file(file, {}, &of_whoever_reads_it).root.contains("members");
}

EnsembleConfig load_ensemble_config(const std::string& file,
                                    const std::vector<config::Override>& overrides) {
  return Loader(file, overrides).load();
}

}  // namespace dtrain::ensemble
