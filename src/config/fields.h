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
// vectors of the last three, structs that have fields() themselves (found by argument-dependent
// lookup, so the function stands in the namespace of its struct), and vectors of such structs. A
// limit on a vector holds for each element. The help is one or two sentences; it ends up in --help
// and docs/configuration.md. An Effect says whether a resumed run may change the setting; one given
// for a struct holds for all fields inside that give none.
//
// `collect` turns a struct into the list of its fields; the reader, the writer, the command line
// and the documentation all work on that list.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/field.h"

namespace dtrain::config {

template <class T>
class StructVector;

// The visitor that fields() is called with; keeps declaration order.
class FieldList {
 public:
  explicit FieldList(std::string prefix = "", Effect effect = kCourse)
      : prefix_(std::move(prefix)), effect_(effect) {}

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
    } else if constexpr (requires { typename T::value_type; }) {
      lists_.push_back(
          std::make_unique<StructVector<typename T::value_type>>(value, prefix_ + name, effect));
      fields_.push_back({prefix_ + name, Value(lists_.back().get()), any, effect, help});
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

  // What all paths start with: "", or "optimizer.groups[1]." for an element.
  const std::string& prefix() const { return prefix_; }
  const std::vector<Field>& all() const& { return fields_; }
  const std::vector<Section>& sections() const& { return sections_; }
  // `for (auto& field : collect(config).all())` would walk over a list that is gone.
  void all() && = delete;
  void sections() && = delete;

 private:
  std::string prefix_;
  Effect effect_;  // of fields that give none
  std::vector<Field> fields_;
  std::vector<Section> sections_;
  std::vector<std::unique_ptr<StructList>> lists_;  // that fields_ point to
};

template <class T>
class StructVector : public StructList {
 public:
  StructVector(std::vector<T>& elements, std::string path, Effect effect)
      : elements_(elements), path_(std::move(path)), effect_(effect) {}

  size_t size() const override { return elements_.size(); }
  void resize(size_t size) override { elements_.resize(size); }
  FieldList element(size_t i) override { return fields_of(elements_.at(i), std::to_string(i)); }
  FieldList defaults() override { return fields_of(default_, ""); }

 private:
  FieldList fields_of(T& element, const std::string& index) const {
    FieldList found(path_ + "[" + index + "].", effect_);
    fields(found, element);
    return found;
  }

  std::vector<T>& elements_;
  T default_;
  std::string path_;
  Effect effect_;
};

template <class T>
FieldList collect(T& config) {
  FieldList list;
  fields(list, config);
  return list;
}

}  // namespace dtrain::config
