// What a field is: where its value stands, its limits, and what a change of it does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dtrain::config {

// Numbers between low and high, both included unless low_open. NaN and infinity never pass.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
};
struct OneOf {
  std::vector<std::string> names;
  // Other spellings that are read, each with the name it stands for.
  std::vector<std::pair<std::string, std::string>> aliases = {};
};
struct NotEmpty {};
struct Any {};

inline Range at_least(double low) { return {.low = low}; }
inline Range at_most(double high) { return {.high = high}; }
inline Range between(double low, double high) { return {.low = low, .high = high}; }
inline Range above(double low) { return {.low = low, .low_open = true}; }  // exclusive
inline OneOf one_of(std::vector<std::string> names,
                    std::vector<std::pair<std::string, std::string>> aliases = {}) {
  return {std::move(names), std::move(aliases)};
}
inline NotEmpty not_empty() { return {}; }
inline constexpr Any any{};

using Constraint = std::variant<Any, Range, OneOf, NotEmpty>;

// What another value changes in a training that resumes.
enum class Effect {
  kCourse,    // its course: refused
  kAhead,     // what follows, not what is past: announced
  kRounding,  // rounding at most: announced
  kFree,      // only what is written, or how fast
};
using enum Effect;

class FieldList;

// A field that is a std::vector of structs, whatever their type.
class StructList {
 public:
  virtual ~StructList() = default;
  virtual size_t size() const = 0;
  virtual void resize(size_t size) = 0;  // elements that are added have their defaults
  // The fields of an element, "groups[1].lr". A resize ends what they point to.
  virtual FieldList element(size_t i) = 0;
  // The fields of an element with its defaults, "groups[].lr".
  virtual FieldList defaults() = 0;
};

using Value = std::variant<bool*,
                           int64_t*,
                           double*,
                           std::string*,
                           std::vector<int64_t>*,
                           std::vector<double>*,
                           std::vector<std::string>*,
                           StructList*>;

struct Field {
  std::string path;  // "loader.batch_size"; in an element "optimizer.groups[1].lr"
  Value value;       // points into the struct the list was collected from, which must outlive it
  Constraint constraint;
  Effect effect = kCourse;
  std::string help;
};

struct Section {
  std::string path;  // "loader"
  std::string help;
};

}  // namespace dtrain::config
