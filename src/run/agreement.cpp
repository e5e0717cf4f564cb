#include "run/agreement.h"

#include "config/json.h"
#include "dist/parameter_sync.h"
#include "run/machine.h"
#include "util/check.h"
#include "util/hash.h"
#include "util/version.h"

namespace dtrain::run {
namespace {

std::string advice_for(const std::string& fact) {
  if (fact == "code version") return "install the same dtrain and LibTorch on all hosts";
  if (fact == "data set") return "compare the data folders of the hosts";
  if (fact == "parameter plan") return "give all ranks the same model settings";
  return "give all hosts the same config file; where they have different hardware, set it";
}

std::string parameter_plan(const nn::Classifier& model) {
  std::string plan;
  for (const auto& [name, tensor] : dist::state_of(model)) {
    plan += name + " " + c10::toString(tensor.scalar_type());
    for (const int64_t size : tensor.sizes()) plan += " " + std::to_string(size);
    plan += "\n";
  }
  return util::hash_hex(plan);
}

}  // namespace

Facts facts_of(const settings::RunConfig& config,
               const DataIdentity& data,
               const nn::Classifier& model) {
  settings::RunConfig common = config;
  common.run.threads = 0;        // hosts may differ in processors
  common.data.data_dir.clear();  // and in where they keep the data
  common.origins.clear();
  std::string classes;
  for (const std::string& name : data.class_names) classes += name + "\n";
  return {{"code version", code_version()},
          {"config", settings::effective_config(common)},
          {"data set",
           data.train_fingerprint + " " + data.eval_fingerprint + " " + data.unlabeled_fingerprint +
               " " + util::hash_hex(classes)},
          {"parameter plan", parameter_plan(model)}};
}

std::optional<Error> disagreement(const Facts& mine, const Facts& of_rank_0) {
  for (size_t i = 0; i < mine.size(); ++i) {
    const auto& [fact, value] = mine[i];
    const std::string& other = of_rank_0.at(i).second;
    if (value == other) continue;
    if (fact != "config") {
      return config_error(fact,
                          "this rank's differs from that of rank 0: " + value + ", not " + other,
                          advice_for(fact));
    }
    const auto found = settings::differences(settings::parse_effective_config(other, "rank 0"),
                                             settings::parse_effective_config(value, "this rank"));
    check(!found.empty(), "configs with different texts differ in a field");
    return config_error(found[0].path,
                        "is " + found[0].right + " here, but " + found[0].left + " on rank 0",
                        advice_for(fact));
  }
  return std::nullopt;
}

void expect_agreement(const Facts& mine, const dist::MpiScope& mpi) {
  config::Json list = config::Json::array();
  for (const auto& [fact, value] : mine) list.push_back({fact, value});
  const auto first = config::Json::parse(mpi.broadcast(list.dump())).get<Facts>();
  dist::together(mpi, [&] {
    if (auto error = disagreement(mine, first)) throw *error;
  });
}

}  // namespace dtrain::run
