// How a component declares its settings, once: a plain struct, and beside it a function that names
// each member with its limits and its help.
//
//   struct LoaderConfig { int64_t batch_size = 128; bool drop_last = true; };
//   template <class V> void fields(V& v, LoaderConfig& c) {
//     using namespace config;
//     v("batch_size", c.batch_size, at_least(1), "Images per rank and step.");
//     v("drop_last", c.drop_last, "Drop a short last batch. Training only.");
//     v("workers", c.workers, at_least(0), kFree, "Decode threads per rank.");
//   }
//
// The initial value of the member is the default. Members are bool, int64_t, double, std::string,
// vectors of the last three, and structs that have fields() themselves (found by argument-dependent
// lookup, so the function stands in the namespace of its struct). A limit on a vector holds for
// each element. The help is one or two sentences; it ends up in --help and docs/configuration.md.
// An Effect says whether a resumed run may change the setting; one given for a struct holds for all
// fields inside that give none.
//
// `collect` turns a struct into the list of its fields; the reader, the writer, the command line
// and the documentation all work on that list.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "config/limits.h"

namespace dtrain::config {

// What another value changes in a training that resumes.
enum class Effect {
  kCourse,    // its course: refused
  kRounding,  // rounding at most: announced
  kFree,      // only what is written, or how fast
};
using enum Effect;

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
  Effect effect = kCourse;
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
  void operator()(const char* name, T& value, C constraint, Effect effect, const char* help) {
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
    fields_.push_back(
        {prefix_ + name, Value(&value), Constraint(std::move(constraint)), effect, help});
  }
  template <class T, class C>
  void operator()(const char* name, T& value, C constraint, const char* help) {
    (*this)(name, value, std::move(constraint), effect_, help);
  }

  template <class T>
  void operator()(const char* name, T& value, Effect effect, const char* help) {
    if constexpr (std::is_constructible_v<Value, T*>) {
      (*this)(name, value, any, effect, help);
    } else {
      const std::string outer = prefix_;
      const Effect outer_effect = std::exchange(effect_, effect);
      sections_.push_back({prefix_ + name, help});
      prefix_ += std::string(name) + ".";
      fields(*this, value);
      prefix_ = outer;
      effect_ = outer_effect;
    }
  }
  template <class T>
  void operator()(const char* name, T& value, const char* help) {
    (*this)(name, value, effect_, help);
  }

  const std::vector<Field>& all() const& { return fields_; }
  const std::vector<Section>& sections() const& { return sections_; }
  // `for (auto& field : collect(config).all())` would walk over a list that is gone.
  void all() && = delete;
  void sections() && = delete;

 private:
  std::string prefix_;
  Effect effect_ = kCourse;  // of fields that give none
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
