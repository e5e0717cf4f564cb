// The example as it is after reading a file and settings of the command line.
#pragma once

#include <string>
#include <vector>

#include "config/json.h"
#include "config/reader.h"
#include "tests/config/example_config.h"

namespace dtrain::config {

// A configuration after reading, with everything said about it.
struct Reading {
  ExampleConfig config;
  Origins origins;
  Problems problems;

  explicit Reading(const std::string& json = "{}", const std::vector<Override>& settings = {}) {
    const FieldList list = collect(config);
    read_values(parse_json(json, "a.json", {}, &problems), list, origins, problems);
    for (const auto& setting : settings) read_text(list, setting, origins, problems);
  }
  std::string text() const { return problems.empty() ? "none" : problems.text(); }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const Problem& p : problems.all()) out.push_back(p.where + ": " + p.text);
    return out;
  }
};

}  // namespace dtrain::config
