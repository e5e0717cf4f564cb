// Writes the effective configuration.
#include "config/writer.h"

#include "config/describe.h"
#include "config/json.h"

namespace dtrain::config {

std::string effective_config(const FieldList& list, const Origins& origins) {
  Json root = Json::object();
  for (const Field& field : list.all()) {
    Json* place = &root;
    for (size_t start = 0, dot = 0; dot != std::string::npos; start = dot + 1) {
      dot = field.path.find('.', start);
      place = &(*place)[field.path.substr(start, dot - start)];
    }
    std::visit([&](const auto* value) { *place = *value; }, field.value);
  }
  Json& about = root["_dtrain"];
  about["format"] = kConfigFormat;
  about["origins"] = Json::object();
  for (const Field& field : list.all()) {
    const auto origin = origins.find(field.path);
    if (origin != origins.end()) about["origins"][field.path] = origin->second;
  }
  // Paths and names are bytes; what is no UTF-8 must not make the file unwritable.
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<Difference> differences(const FieldList& left, const FieldList& right) {
  check(left.all().size() == right.all().size(), "configurations of the same type are compared");
  std::vector<Difference> out;
  for (size_t i = 0; i < left.all().size(); ++i) {
    const Field &a = left.all()[i], &b = right.all()[i];
    check(a.path == b.path, "configurations of the same type are compared");
    const std::string text_a = value_text(a.value), text_b = value_text(b.value);
    if (text_a != text_b) out.push_back({a.path, text_a, text_b, a.effect});
  }
  return out;
}

}  // namespace dtrain::config
