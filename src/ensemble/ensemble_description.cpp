#include "ensemble/ensemble_description.h"

#include "config/describe.h"
#include "render/table.h"
#include "util/text.h"

namespace dtrain::ensemble {
namespace {

// Settings that name the member rather than what it learns.
bool is_described_name(const std::string& path) { return path == "run.experiment"; }

std::string apart_from(const EnsembleMember& first, const EnsembleMember& member) {
  std::string text;
  for (const config::Difference& one : settings::differences(first.config, member.config)) {
    if (is_described_name(one.path)) continue;
    text += (text.empty() ? "" : ", ") + one.path + " " + one.right;
  }
  return text;
}

}  // namespace

std::string describe(const EnsembleConfig& config) {
  EnsembleSections sections{config.ensemble};
  double all = 0;
  for (const EnsembleMember& member : config.members) all += member.cost;
  render::Table table({"", "member", "model", "epochs", "cost, %", "apart from the first"});
  for (size_t i = 0; i < config.members.size(); ++i) {
    const EnsembleMember& member = config.members[i];
    table.row({std::to_string(i),
               member.name,
               member.config.model.name,
               std::to_string(member.config.run.epochs),
               util::formatted("%.1f", all > 0 ? 100 * member.cost / all : 0.0),
               apart_from(config.members.front(), member)});
  }
  return config::values_table(config::collect(sections), config.origins) + "\n" + table.text();
}

}  // namespace dtrain::ensemble
