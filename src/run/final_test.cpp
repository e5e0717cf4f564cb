#include "run/final_test.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/resume.h"
#include "config/json.h"
#include "dist/parameter_sync.h"
#include "util/atomic_file.h"
#include "util/text.h"

namespace dtrain::run {
namespace {

// Once is enough: a run that is started again when it is done, or trains on without a better
// checkpoint, has its result. Empty where there is none.
std::string earlier_result(const settings::RunFolder& folder,
                           const std::string& split,
                           const std::string& checkpoint) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder.test(), ignored)) return "";
  const config::Json record = config::read_json_file(folder.test().string()).root;
  if (record.value("split", "") != split || record.value("checkpoint", "") != checkpoint) return "";
  return "Test: " + split + " was tested with checkpoint " + checkpoint +
         " before: " + folder.test().string();
}

}  // namespace

std::string test_best(const settings::RunFolder& folder,
                      const std::string& split,
                      int64_t samples,
                      nn::Classifier& model,
                      train::EvaluationLoop& evaluation,
                      const dist::ProcessGroup& group,
                      const dist::MpiScope& mpi) {
  std::string checkpoint, known;
  dist::together(mpi, [&] {
    if (group.rank() != 0) return;
    const auto best = checkpoint::find_checkpoint(folder.path.string(), "");
    checkpoint = best.filename().string();
    known = earlier_result(folder, split, checkpoint);
    if (!known.empty()) return;
    const auto weights = checkpoint::load_weights(best, checkpoint::kEvaluatedWeights);
    checkpoint::copy_tensors(weights.tensors, dist::state_of(model), best.string());
  });
  known = group.broadcast(known);
  if (!known.empty()) return known;
  checkpoint = group.broadcast(checkpoint);
  dist::broadcast_module(model, group);
  const train::MetricValues values = evaluation.run();
  dist::together(mpi, [&] {
    if (group.rank() != 0) return;
    config::Json record = {{"split", split}, {"checkpoint", checkpoint}, {"samples", samples}};
    for (const auto& [name, value] : values) record[name] = value;
    util::write_file_atomic(folder.test(), record.dump(2) + "\n");
  });
  return util::formatted(
      "Test: %s, %lld images, checkpoint %s  Loss: %.3f  Acc@1: %.3f  Acc@5: %.3f",
      split.c_str(),
      static_cast<long long>(samples),
      checkpoint.c_str(),
      values.at("loss"),
      values.at("top1"),
      values.at("top5"));
}

}  // namespace dtrain::run
