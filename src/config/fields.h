// How a component declares its settings, once: a plain struct, and beside it a function that names
// each member with its limits and its help.
//
//   struct LoaderConfig { int64_t batch_size = 128; bool drop_last = true; };
//   template <class V> void fields(V& v, LoaderConfig& c) {
//     using namespace config;
//     v("batch_size", c.batch_size, at_least(1), "Images per rank and step.");
//     v("drop_last", c.drop_last, "Drop a short last batch. Training only.");
//   }
//
// The initial value of the member is the default. Members are bool, int64_t, double, std::string,
// vectors of the last three, and structs that have fields() themselves (found by argument-dependent
// lookup, so the function stands in the namespace of its struct). A limit on a vector holds for
// each element. The help is one or two sentences; it ends up in --help and docs/configuration.md.
//
// `collect` turns a struct into the list of its fields; the reader, the writer, the command line
// and the documentation all work on that list.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace dtrain::config {

// --- limits --------------------------------------------------------------------------------------

// Numbers between low and high, both included unless low_open. NaN and infinity never pass.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
};
struct OneOf {
  std::vector<std::string> names;
};
struct NotEmpty {};
struct Any {};

inline Range at_least(double low) { return {.low = low}; }
inline Range at_most(double high) { return {.high = high}; }
inline Range between(double low, double high) { return {.low = low, .high = high}; }
inline Range above(double low) { return {.low = low, .low_open = true}; }  // exclusive
inline OneOf one_of(std::vector<std::string> names) { return {std::move(names)}; }
inline NotEmpty not_empty() { return {}; }
inline constexpr Any any{};

using Constraint = std::variant<Any, Range, OneOf, NotEmpty>;

// --- the list ------------------------------------------------------------------------------------
using Value = std::variant<bool*,
                           int64_t*,
                           double*,
                           std::string*,
                           std::vector<int64_t>*,
                           std::vector<double>*,
                           std::vector<std::string>*>;

struct Field {
  std::string path;  // "loader.batch_size"
  Value value;       // points into the struct the list was collected from, which must outlive it
  Constraint constraint;
  std::string help;
};

struct Section {
  std::string path;  // "loader"
  std::string help;
};

// The visitor that fields() is called with; keeps declaration order.
class FieldList {
 public:
  template <class T, class C>
  void operator()(const char* name, T& value, C constraint, const char* help) {
    constexpr bool is_number = std::is_same_v<T, int64_t> || std::is_same_v<T, double> ||
                               std::is_same_v<T, std::vector<int64_t>> ||
                               std::is_same_v<T, std::vector<double>>;
    constexpr bool is_text =
        std::is_same_v<T, std::string> || std::is_same_v<T, std::vector<std::string>>;
    static_assert(is_number || is_text || std::is_same_v<T, bool>,
                  "a field is a bool, int64_t, double, std::string or a vector of those but bool");
    static_assert(std::is_same_v<C, Any> || (is_number && std::is_same_v<C, Range>) ||
                      (is_text && !std::is_same_v<C, Range>),
                  "ranges are for numbers; one_of and not_empty are for strings");
    fields_.push_back({prefix_ + name, Value(&value), Constraint(std::move(constraint)), help});
  }

  template <class T>
  void operator()(const char* name, T& value, const char* help) {
    if constexpr (std::is_constructible_v<Value, T*>) {
      (*this)(name, value, any, help);
    } else {
      const std::string outer = prefix_;
      sections_.push_back({prefix_ + name, help});
      prefix_ += std::string(name) + ".";
      fields(*this, value);
      prefix_ = outer;
    }
  }

  const std::vector<Field>& all() const& { return fields_; }
  const std::vector<Section>& sections() const& { return sections_; }
  // `for (auto& field : collect(config).all())` would walk over a list that is gone.
  void all() && = delete;
  void sections() && = delete;

 private:
  std::string prefix_;
  std::vector<Field> fields_;
  std::vector<Section> sections_;
};

template <class T>
FieldList collect(T& config) {
  FieldList list;
  fields(list, config);
  return list;
}

}  // namespace dtrain::config
