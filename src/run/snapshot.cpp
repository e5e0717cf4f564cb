#include "run/snapshot.h"

#include <cmath>

#include "config/json.h"

namespace dtrain::run {

checkpoint::CheckpointData take_snapshot(const train::TrainState& state,
                                         const checkpoint::StateList& parts,
                                         const dist::ProcessGroup& control,
                                         const config::Json& run_description) {
  checkpoint::CheckpointData data;
  parts.save(data, control);
  // The end of an epoch is the start of the next one.
  data.position = {state.step,
                   state.epoch + (state.epoch_is_over ? 1 : 0),
                   state.epoch_is_over ? 0 : state.batch};
  data.meta = run_description;
  data.meta["skipped_updates"] = state.skipped_updates;
  data.meta["evaluations_since_best"] = state.best.evaluations_since;
  data.meta["eval"] = config::Json::object();
  for (const auto& [name, value] : state.eval) {
    if (std::isfinite(value)) data.meta["eval"][name] = value;  // JSON has no NaN
  }
  if (state.best.epoch >= 0) {
    data.meta["best"] = {{"epoch", state.best.epoch}, {state.best.metric, state.best.value}};
  }
  return data;
}

void restore_snapshot(const std::string& checkpoint,
                      const dist::ProcessGroup& group,
                      const dist::ProcessGroup& control,
                      const checkpoint::StateList& parts,
                      train::TrainState& state) {
  checkpoint::CheckpointData data;
  config::Json header;  // position and meta, which the other ranks get as text
  if (group.rank() == 0) {
    data = checkpoint::load_checkpoint(checkpoint);
    header = {{"step", data.position.step},
              {"epoch", data.position.epoch},
              {"batch", data.position.batch},
              {"meta", data.meta}};
  }
  header = config::Json::parse(control.broadcast(header.dump()));
  state.step = header["step"];
  state.epoch = header["epoch"];
  state.batch = header["batch"];
  const config::Json& meta = header["meta"];
  state.eval = meta["eval"].get<train::MetricValues>();
  state.skipped_updates = meta.value("skipped_updates", int64_t{0});
  if (meta.contains("best")) {
    state.best.epoch = meta["best"]["epoch"];
    state.best.value = meta["best"].at(state.best.metric);
  }
  state.best.evaluations_since = meta.value("evaluations_since_best", int64_t{0});
  parts.restore(data, checkpoint, group, control);
}

}  // namespace dtrain::run
