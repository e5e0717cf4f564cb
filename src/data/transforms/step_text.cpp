// Reads the notation of steps.
#include "data/transforms/step_text.h"

#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_name(const std::string& text) {
  constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyz_0123456789";
  return !text.empty() && text.find_first_not_of(kLetters) == std::string::npos &&
         (text[0] < '0' || text[0] > '9');
}

Error malformed(const std::string& text, const std::string& cause) {
  return config_error("step " + util::quoted(text), cause, "write it as name(value, key=value)");
}

}  // namespace

StepText parse_step(const std::string& text) {
  const std::string all = trimmed(text);
  const size_t open = all.find('(');
  StepText step{.name = trimmed(all.substr(0, open)), .arguments = {}};
  if (!is_name(step.name)) throw malformed(text, "does not begin with the name of a step");
  if (open == std::string::npos) return step;
  if (all.back() != ')') throw malformed(text, "does not end with )");
  const std::string inside = all.substr(open + 1, all.size() - open - 2);
  if (inside.find_first_of("()") != std::string::npos) {
    throw malformed(text, "has brackets within brackets");
  }
  if (trimmed(inside).empty()) return step;
  for (size_t begin = 0; begin <= inside.size();) {
    const size_t end = std::min(inside.find(',', begin), inside.size());
    const std::string argument = trimmed(inside.substr(begin, end - begin));
    const size_t equals = argument.find('=');
    const bool named = equals != std::string::npos;
    const std::string key = named ? trimmed(argument.substr(0, equals)) : "";
    const std::string value = named ? trimmed(argument.substr(equals + 1)) : argument;
    if (value.empty()) throw malformed(text, "has an empty value");
    if (named && !is_name(key)) throw malformed(text, util::quoted(key) + " is no name of a value");
    if (!named && !step.arguments.empty() && !step.arguments.back().first.empty()) {
      throw malformed(text, "has a value without a name behind one with a name");
    }
    step.arguments.emplace_back(key, value);
    begin = end + 1;
  }
  return step;
}

}  // namespace dtrain::data
