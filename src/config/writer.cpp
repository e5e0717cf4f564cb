// Writes the effective configuration.
#include "config/writer.h"

#include "config/describe.h"
#include "config/field_values.h"

namespace dtrain::config {
namespace {

// Lists of structs of the same length differ in fields of their elements, others as a whole: it
// would say little that each element behind a new one differs.
void add_differences(const FieldList& left, const FieldList& right, std::vector<Difference>& out) {
  check(left.all().size() == right.all().size(), "configurations of the same type are compared");
  for (size_t i = 0; i < left.all().size(); ++i) {
    const Field &a = left.all()[i], &b = right.all()[i];
    check(a.path == b.path, "configurations of the same type are compared");
    StructList* const* structs = std::get_if<StructList*>(&a.value);
    if (structs != nullptr) {
      StructList &of_a = **structs, &of_b = *std::get<StructList*>(b.value);
      if (of_a.size() == of_b.size()) {
        for (size_t k = 0; k < of_a.size(); ++k) {
          add_differences(of_a.element(k), of_b.element(k), out);
        }
        continue;
      }
    }
    const std::string text_a = value_text(a.value), text_b = value_text(b.value);
    if (text_a != text_b) out.push_back({a.path, text_a, text_b, a.effect});
  }
}

}  // namespace

std::string effective_config(const FieldList& list, const Origins& origins) {
  Json root = json_of(list);
  Json& about = root["_dtrain"];
  about["format"] = kConfigFormat;
  about["origins"] = Json::object();
  for_each_field(list, [&](const Field& field) {
    const auto origin = origins.find(field.path);
    if (origin != origins.end()) about["origins"][field.path] = origin->second;
  });
  // Paths and names are bytes; what is no UTF-8 must not make the file unwritable.
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool was_automatic(const Json& effective, const std::string& path) {
  const Json about = effective.value("_dtrain", Json::object());
  return is_automatic(about.value("origins", Json::object()).value(path, ""));
}

std::vector<Difference> differences(const FieldList& left, const FieldList& right) {
  std::vector<Difference> out;
  add_differences(left, right, out);
  return out;
}

}  // namespace dtrain::config
