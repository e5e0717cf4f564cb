// What a training must get back to go on as if it had never stopped, part by part.
//
// Everything that has such state (weights, their averages, optimizer, loss scale, schedule,
// metrics, a callback that counts) implements this one interface and stands in one list
// (checkpoint/state_list.h), which saving, resuming, rolling back and the comparison of replicas
// walk. A part with new state is a class and a line where the list is made.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace dtrain::state {

// Names and tensors, in a fixed order.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

enum class Kind {
  kWeights,     // the tensors of a network: alike on every rank, and in a file of their own that
                // other programs read, model.safetensors or model_<name>.safetensors
  kReplicated,  // alike on every rank
  kPerRank,     // sums of each rank for itself, which add up to what counts: on another number of
                // ranks rank 0 gets the total and the others zeros
};

class Stateful {
 public:
  virtual ~Stateful() = default;

  // Short and unique in a run: "optimizer". Its tensors are `<name>.<tensor>` in a checkpoint, or
  // `<name>` where the tensor has no name.
  virtual std::string name() const = 0;
  virtual Kind kind() const { return Kind::kReplicated; }

  // The same names, shapes and types on every rank. A checkpoint is not saved where one holds NaN
  // or infinity (checkpoint.check_finite). Either the part's own tensors or made for this
  // call; valid until the part changes.
  virtual NamedTensors state() const = 0;

  // Takes over `values`, which have names, shapes and types of state(), on any device. Those of a
  // part that may_lack_state() can be fewer.
  virtual void load(const NamedTensors& values) = 0;

  // Whether a checkpoint may lack some of its tensors, which then stay as they were made, or have
  // more of them, which are passed over: an optimizer of parameters that were frozen, a part that
  // older versions did not have.
  virtual bool may_lack_state() const { return false; }
};

// Copies `values` into the tensors of the same names in `own`, which keep device and memory order.
// All of the names must be there.
void copy_by_name(const NamedTensors& values, const NamedTensors& own);

}  // namespace dtrain::state
