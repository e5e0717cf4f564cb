// Walks over fields and makes JSON of them.
#include "config/field_values.h"

#include "config/byte_text.h"

namespace dtrain::config {
namespace {

void put(Json& root, const std::string& path, Json value) {
  Json* place = &root;
  for (size_t start = 0, dot = 0; dot != std::string::npos; start = dot + 1) {
    dot = path.find('.', start);
    place = &(*place)[path.substr(start, dot - start)];
  }
  *place = std::move(value);
}

StructList* structs_of(const Value& value) {
  StructList* const* structs = std::get_if<StructList*>(&value);
  return structs == nullptr ? nullptr : *structs;
}

Json scalar_json(const Value& value) {
  return std::visit(
      [](const auto* target) {
        if constexpr (std::is_same_v<decltype(target), const StructList*>) {
          return Json();
        } else if constexpr (std::is_same_v<decltype(target), const std::string*>) {
          return byte_text(*target);
        } else if constexpr (std::is_same_v<decltype(target), const std::vector<std::string>*>) {
          return byte_texts(*target);
        } else {
          return Json(*target);
        }
      },
      value);
}

Json json_of_value(const Value& value) {
  StructList* structs = structs_of(value);
  if (structs == nullptr) return scalar_json(value);
  Json array = Json::array();
  for (size_t i = 0; i < structs->size(); ++i) array.push_back(json_of(structs->element(i)));
  return array;
}

}  // namespace

void for_each_field(const FieldList& list, const std::function<void(const Field&)>& visit) {
  for (const Field& field : list.all()) {
    visit(field);
    StructList* structs = structs_of(field.value);
    if (structs == nullptr) continue;
    for (size_t i = 0; i < structs->size(); ++i) for_each_field(structs->element(i), visit);
  }
}

Json json_of(const FieldList& list) {
  Json root = Json::object();
  for (const Field& field : list.all()) {
    put(root, field.path.substr(list.prefix().size()), json_of_value(field.value));
  }
  return root;
}

Json brief_json_of(const Value& value) {
  StructList* structs = structs_of(value);
  if (structs == nullptr) return scalar_json(value);
  const FieldList defaults = structs->defaults();
  Json array = Json::array();
  for (size_t i = 0; i < structs->size(); ++i) {
    const FieldList element = structs->element(i);
    Json object = Json::object();
    for (size_t k = 0; k < element.all().size(); ++k) {
      const Field& field = element.all()[k];
      Json json = brief_json_of(field.value);
      if (json == brief_json_of(defaults.all()[k].value)) continue;
      put(object, field.path.substr(element.prefix().size()), std::move(json));
    }
    array.push_back(std::move(object));
  }
  return array;
}

}  // namespace dtrain::config
