// The learning rate over time.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "state/stateful.h"

namespace dtrain::optim {

// A pure function of the step wherever that is enough (LRSchedule); one that reacts to evaluations
// keeps what it has seen as its state, so that a resumed run goes on alike.
class Schedule : public state::Stateful {
 public:
  // The learning rate of update `step`, counted from 0 over all resumes.
  virtual double operator()(int64_t step) const = 0;

  // After each evaluation, with its metrics over all ranks, so that all ranks decide alike.
  virtual void observe(const std::map<std::string, double>& /*evaluation*/) {}

  // The training stands at `step` and is to end after `total_steps`. Where that is another length
  // than it had before, a schedule that depends on the length follows, as `mode`
  // (train.resume_schedule) says; the line that is returned tells how. Empty: the length is the
  // same. Throws a config Error where it cannot follow.
  virtual std::string follow_length(int64_t /*step*/,
                                    int64_t /*total_steps*/,
                                    const std::string& /*mode*/) {
    return "";
  }

  std::string name() const override { return "schedule"; }
  state::NamedTensors state() const override { return {}; }
  void load(const state::NamedTensors& /*values*/) override {}
};

}  // namespace dtrain::optim
