// The table of short names, and parsing by way of cxxopts.
//
// Note [What is done before cxxopts]
// cxxopts knows names, values behind '=' or as the next argument, and short flags (-b 128, -b128).
// What users of Python trainers write beyond that is brought into its form first: '_' and '.' in
// names, True and False behind a switch, --no-switch. Unknown flags are found there too, since
// cxxopts stops at the first.
#include "cli/flags.h"

#define CXXOPTS_NO_REGEX true  // its std::regex recurses once per character
#include <algorithm>
#include <cxxopts.hpp>
#include <map>
#include <optional>

#include "config/problems.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::cli {
namespace {

// What a flag does: set a field, or one of the few that are no field.
struct Flag {
  std::string spelling;  // "--batch-size", for messages
  std::string path;      // "" for --config, --set, --help
  bool is_switch = false;
  std::string on = "true", off = "false";
};

// "--model_ema" and "--model.ema" -> "model-ema"; "-b" -> "b".
std::string folded_name(const std::string& spelling) {
  std::string name = spelling.substr(std::min(spelling.find_first_not_of('-'), spelling.size()));
  for (char& c : name) {
    if (c == '_' || c == '.') c = '-';
  }
  return name;
}

using FlagMap = std::map<std::string, Flag>;  // folded name -> flag

FlagMap all_flags(const config::FieldList& list) {
  FlagMap flags;
  const auto add = [&flags](Flag flag) {
    const bool is_new = flags.emplace(folded_name(flag.spelling), flag).second;
    check(is_new, "no two flags have the same name");
  };
  for (const char* name : {"--config", "--set"}) add({.spelling = name, .path = ""});
  for (const char* name : {"--help", "-h"}) add({.spelling = name, .path = "", .is_switch = true});
  for (const auto& field : list.all()) {
    const bool is_bool = std::holds_alternative<bool*>(field.value);
    add({.spelling = "--" + field.path, .path = field.path, .is_switch = is_bool});
  }
  for (const FlagRow& row : flag_rows()) {
    const config::Field* field = config::find_field(list, row.path);
    if (field == nullptr) continue;
    const bool is_bool = std::holds_alternative<bool*>(field->value);
    for (const char* spelling : row.spellings) {
      Flag flag{.spelling = spelling, .path = row.path, .is_switch = is_bool};
      if (row.on != nullptr) {
        flag.is_switch = true;
        flag.on = row.on;
        flag.off = row.off;
      }
      add(flag);
    }
  }
  return flags;
}

std::string unknown_flag(const std::string& given, const FlagMap& flags) {
  std::vector<std::string> spellings = {"gpus", "ranks"};  // relaunch.h takes these out before
  const std::string folded = folded_name(given);
  for (const auto& [name, flag] : flags) {
    if (name == folded) return "unknown flag (did you mean " + flag.spelling + "?)";
    if (flag.spelling.starts_with("--")) spellings.push_back(flag.spelling.substr(2));
  }
  const std::string near = config::nearest_name(folded, spellings);
  return near.empty() ? "unknown flag" : "unknown flag (did you mean --" + near + "?)";
}

// Brings arguments into the form that cxxopts takes; see Note [What is done before cxxopts].
class Normaliser {
 public:
  Normaliser(const std::vector<std::string>& arguments, const FlagMap& flags)
      : arguments_(arguments), flags_(flags) {}

  std::vector<std::string> run(config::Problems& problems) {
    for (at_ = 0; at_ < arguments_.size(); ++at_) {
      const std::string& argument = arguments_[at_];
      if (argument == "--") {
        out_.insert(out_.end(), arguments_.begin() + static_cast<long>(at_), arguments_.end());
        break;
      }
      const bool is_flag = argument.size() > 1 && argument[0] == '-';
      if (!is_flag) {
        out_.push_back(argument);
      } else if (!(argument.starts_with("--") ? long_flag(argument) : short_flag(argument))) {
        problems.add(argument.substr(0, argument.find('=')),
                     unknown_flag(name_of(argument), flags_));
        // What follows an unknown flag is most likely its value, not a stray argument.
        if (argument.find('=') == std::string::npos && next_is_value()) ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  static std::string name_of(const std::string& argument) {
    return argument.substr(0, argument.find('='));
  }

  const Flag* find(const std::string& name) const {
    const auto found = flags_.find(name);
    return found == flags_.end() ? nullptr : &found->second;
  }

  bool next_is_value() const {
    return at_ + 1 < arguments_.size() && !arguments_[at_ + 1].starts_with('-');
  }

  // False when there is no such flag.
  bool long_flag(const std::string& argument) {
    const size_t equals = argument.find('=');
    std::string name = folded_name(argument.substr(0, equals));
    if (name.empty()) return false;
    const Flag* flag = name.size() > 1 ? find(name) : nullptr;
    bool negated = false;
    if (flag == nullptr && name.starts_with("no-")) {
      name = name.substr(3);
      flag = name.size() > 1 ? find(name) : nullptr;
      if (flag == nullptr || !flag->is_switch || equals != std::string::npos) return false;
      negated = true;
    }
    if (flag == nullptr) return false;
    std::optional<std::string> value;
    if (equals != std::string::npos) value = argument.substr(equals + 1);
    if (flag->is_switch) value = switch_value(*flag, value, negated);
    push("--" + name, value);
    return true;
  }

  // The value of a switch: what is behind '=', else the next argument when that is true or false,
  // else on. A text that is neither stays, for the reader to refuse.
  std::string switch_value(const Flag& flag,
                           const std::optional<std::string>& given,
                           bool negated) {
    bool state = !negated;
    if (given && !config::parse_bool(*given, &state)) return *given;
    const bool next_is_bool =
        !given && !negated && next_is_value() && config::parse_bool(arguments_[at_ + 1], &state);
    if (next_is_bool) ++at_;
    return state ? flag.on : flag.off;
  }

  // -b 128, -b128, -h: cxxopts takes them as they are.
  bool short_flag(const std::string& argument) {
    const Flag* flag = find(argument.substr(1, 1));
    if (flag == nullptr) return false;
    const std::string rest = argument.substr(2);
    if (flag->is_switch && !rest.empty()) return false;
    // "-batch-size" is a forgotten dash, not -b with the value "atch-size".
    if (find(folded_name(name_of(argument))) != nullptr && !rest.empty()) return false;
    std::optional<std::string> value;
    if (!rest.empty()) value = rest[0] == '=' ? rest.substr(1) : rest;
    if (flag->is_switch) value = "true";
    push("-" + argument.substr(1, 1), value);
    return true;
  }

  // With its value as one argument where it is known, so that the value may start with a dash.
  void push(const std::string& name, const std::optional<std::string>& value) {
    const bool is_short = name.size() == 2;
    const bool takes_next = !value && at_ + 1 < arguments_.size();
    if (is_short) {
      out_.push_back(name);
      if (value) out_.push_back(*value);
    } else {
      out_.push_back(value ? name + "=" + *value : name);
    }
    if (takes_next) out_.push_back(arguments_[++at_]);
  }

  const std::vector<std::string>& arguments_;
  const FlagMap& flags_;
  std::vector<std::string> out_;
  size_t at_ = 0;
};

struct Parsed {
  std::vector<std::pair<std::string, std::string>> values;  // folded name, value; as given
  std::vector<std::string> positionals;
};

Parsed parse_with_cxxopts(const std::vector<std::string>& normalised, const FlagMap& flags) {
  cxxopts::Options options("dtrain");
  auto add = options.add_options();
  for (const auto& [name, flag] : flags) add(name, "", cxxopts::value<std::string>());
  add("positionals", "", cxxopts::value<std::vector<std::string>>());
  options.parse_positional("positionals");

  std::vector<char*> argv = {const_cast<char*>("dtrain")};
  for (const auto& argument : normalised) argv.push_back(const_cast<char*>(argument.c_str()));
  int argc = static_cast<int>(argv.size());
  char** data = argv.data();
  Parsed parsed;
  const auto result = options.parse(argc, data);
  for (const auto& pair : result.arguments()) {
    if (pair.key() == "positionals") {
      parsed.positionals.push_back(pair.value());
    } else {
      parsed.values.emplace_back(pair.key(), pair.value());
    }
  }
  return parsed;
}

void apply_set(const std::string& value, Arguments& out, config::Problems& problems) {
  const size_t equals = value.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.add("--set", "takes section.key=value, but got " + util::quoted(value));
    return;
  }
  out.overrides.push_back(
      {value.substr(0, equals), value.substr(equals + 1), "command line --set"});
}

}  // namespace

const std::vector<FlagRow>& flag_rows() {
  static const std::vector<FlagRow> rows = {
      {"run.experiment", {"--experiment"}},
      {"run.output", {"--output"}},
      {"run.resume", {"--resume"}},
      {"run.seed", {"--seed"}},
      {"run.epochs", {"--epochs"}},
      {"run.device", {"--device"}},
      {"run.threads", {"--threads"}},
      {"run.log_interval", {"--log-interval"}},
      {"data.dataset", {"--dataset"}},
      {"data.data_dir", {"--data-dir", "--data-path"}},
      {"transforms.auto_augment", {"--aa", "--auto-augment"}},
      {"transforms.random_erasing", {"--reprob", "--random-erase"}},
      {"loader.batch_size", {"--batch-size", "-b"}},
      {"loader.workers", {"--workers", "-j"}},
      {"model.name", {"--model", "--arch", "-a"}},
      {"model.initial_checkpoint", {"--initial-checkpoint"}},
      {"loss.label_smoothing", {"--smoothing", "--label-smoothing"}},
      {"optimizer.name", {"--opt", "--optimizer"}},
      {"optimizer.lr", {"--lr"}},
      {"optimizer.momentum", {"--momentum"}},
      {"optimizer.weight_decay", {"--weight-decay", "--wd"}},
      {"schedule.name", {"--sched", "--lr-scheduler"}},
      {"schedule.warmup_epochs", {"--warmup-epochs"}},
      {"schedule.min_lr", {"--min-lr"}},
      {"ema.enabled", {"--model-ema"}},
      {"ema.decay", {"--model-ema-decay"}},
      {"train.precision", {"--amp-dtype"}},
      {"train.precision", {"--amp"}, "bfloat16", "float32"},
      {"train.channels_last", {"--channels-last"}},
      {"train.grad_accum_steps", {"--grad-accum-steps"}},
      {"train.clip_grad", {"--clip-grad", "--clip-grad-norm"}},
      {"dist.sync_bn", {"--sync-bn"}},
  };
  return rows;
}

std::vector<std::string> flags_of(const std::string& path) {
  std::vector<std::string> out;
  for (const FlagRow& row : flag_rows()) {
    if (path == row.path) out.insert(out.end(), row.spellings.begin(), row.spellings.end());
  }
  if (out.empty()) out.push_back("--" + path);
  return out;
}

Arguments parse_arguments(const std::vector<std::string>& arguments,
                          const config::FieldList& list) {
  const FlagMap flags = all_flags(list);
  config::Problems problems;
  const std::vector<std::string> normalised = Normaliser(arguments, flags).run(problems);
  Parsed parsed;
  try {
    parsed = parse_with_cxxopts(normalised, flags);
  } catch (const std::exception&) {
    // All that is left to go wrong: a last flag without a value.
    problems.add(normalised.back(), "is missing its value");
  }
  Arguments out;
  out.positionals = std::move(parsed.positionals);
  for (const auto& [name, value] : parsed.values) {
    const Flag& flag = flags.at(name);
    if (!flag.path.empty()) {
      out.overrides.push_back({flag.path, value, "command line " + flag.spelling});
    } else if (flag.spelling == "--set") {
      apply_set(value, out, problems);
    } else if (flag.spelling == "--config") {
      if (!out.config_file.empty()) problems.add("--config", "is given twice");
      out.config_file = value;
    } else {
      out.help = true;
    }
  }
  problems.throw_if_any("command line", ExitCode::kUsage);
  return out;
}

}  // namespace dtrain::cli
