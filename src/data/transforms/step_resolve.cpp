// From the text of a step to its row and values.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "config/problems.h"
#include "data/transforms/step_table.h"
#include "data/transforms/step_text.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {

using Kind = StepParameter::Kind;

void StepArguments::set(const StepParameter& parameter,
                        const std::string& value,
                        const std::string& step) {
  const auto refuse = [&](const std::string& expected) {
    throw config_error("step " + step,
                       std::string(parameter.name) + " is " + util::quoted(value),
                       "expected " + expected);
  };
  if (parameter.kind == Kind::kWord) {
    if (parameter.words != nullptr) {
      std::istringstream words(parameter.words);
      bool known = false;
      for (std::string word; words >> word;) known = known || word == value;
      if (!known) refuse(std::string("one of ") + parameter.words);
    }
    words_[parameter.name] = value;
    return;
  }
  const auto number = [&](const std::string& text) {
    double out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    const bool whole = parameter.kind != Kind::kInteger || out == std::floor(out);
    if (error != std::errc() || end != text.data() + text.size() || !whole ||
        !(out >= parameter.low && out <= parameter.high)) {
      const std::string limits =
          (parameter.kind == Kind::kInteger ? "a whole number from " : "a number from ") +
          util::number_text(parameter.low) + " to " + util::number_text(parameter.high);
      refuse(parameter.kind == Kind::kRange ? "low:high, each " + limits : limits);
    }
    return out;
  };
  const size_t colon = value.find(':');
  if (parameter.kind == Kind::kRange && colon != std::string::npos) {
    const double low = number(value.substr(0, colon)), high = number(value.substr(colon + 1));
    if (low > high) refuse("low:high with low not above high");
    ranges_[parameter.name] = {low, high};
  } else {
    const double one = number(value);
    ranges_[parameter.name] = {one, one};
    single_.insert(parameter.name);
  }
}

ResolvedStep resolve_step(const std::string& text) {
  const StepText parsed = parse_step(text);
  ResolvedStep step{.row = nullptr, .values = {}, .text = text};
  std::vector<std::string> names;
  for (const StepRow& row : step_rows()) {
    names.emplace_back(row.name);
    if (row.name == parsed.name) step.row = &row;
  }
  if (step.row == nullptr) {
    throw config_error("step " + util::quoted(text),
                       "there is no step " + parsed.name + config::did_you_mean(parsed.name, names),
                       "docs/transforms.md lists them");
  }
  const auto& parameters = step.row->parameters;
  std::set<std::string> given;
  names.clear();
  for (const StepParameter& parameter : parameters) names.emplace_back(parameter.name);
  for (size_t i = 0; i < parsed.arguments.size(); ++i) {
    const auto& [key, value] = parsed.arguments[i];
    const auto wanted =
        std::find_if(parameters.begin(), parameters.end(), [&, &key = key](const auto& p) {
          return key.empty() ? &p == parameters.data() + i : p.name == key;
        });
    if (wanted == parameters.end()) {
      throw config_error("step " + util::quoted(text),
                         key.empty() ? "has more values than the step takes"
                                     : "takes no " + key + config::did_you_mean(key, names),
                         "docs/transforms.md lists the values of each step");
    }
    if (!given.insert(wanted->name).second) {
      throw config_error(
          "step " + util::quoted(text), key + " is given twice", "remove one of them");
    }
    step.values.set(*wanted, value, step.row->name);
  }
  for (const StepParameter& parameter : parameters) {
    if (given.contains(parameter.name)) continue;
    if (*parameter.fallback == '\0') {
      throw config_error("step " + util::quoted(text),
                         std::string("its ") + parameter.name + " is missing",
                         std::string("write ") + step.row->name + "(" + parameter.name + "=...)");
    }
    step.values.set(parameter, parameter.fallback, step.row->name);
  }
  return step;
}

}  // namespace dtrain::data
