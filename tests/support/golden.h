// Reads the committed reference values of tests/golden (written by generate.py there).
#pragma once

#include <ATen/ATen.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace dtrain::testing {

// The order of members is that of the file.
using GoldenJson = nlohmann::ordered_json;

inline GoldenJson golden(const std::string& file) {
  const std::string path = std::string(DTRAIN_SOURCE_DIR) + "/tests/golden/" + file;
  std::ifstream in(path);
  if (!in) {
    throw std::runtime_error("cannot open " + path);
  }
  return GoldenJson::parse(in);
}

// A number or (nested) lists of numbers -> float64 tensor of that shape.
inline at::Tensor tensor_of(const GoldenJson& json) {
  std::vector<int64_t> shape;
  for (const GoldenJson* level = &json; level->is_array(); level = &level->front()) {
    shape.push_back(static_cast<int64_t>(level->size()));
  }
  const GoldenJson flat = json.is_array() ? json.flatten() : GoldenJson::array({json});
  std::vector<double> values;
  for (const auto& value : flat) {
    values.push_back(value.get<double>());
  }
  return at::tensor(values, at::kDouble).view(shape);
}

}  // namespace dtrain::testing
