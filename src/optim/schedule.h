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

  std::string name() const override { return "schedule"; }
  state::NamedTensors state() const override { return {}; }
  void load(const state::NamedTensors& /*values*/) override {}
};

}  // namespace dtrain::optim
