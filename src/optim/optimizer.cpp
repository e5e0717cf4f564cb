// What the optimizers share: the learning rate and the way back from a checkpoint.
#include "optim/optimizer.h"

#include <ATen/ATen.h>

#include <map>
#include <set>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::optim {
namespace {

Error mismatch(const std::string& cause) {
  return config_error("optimizer state of the checkpoint",
                      cause,
                      "resume with the model and the optimizer that the checkpoint was made with");
}

std::string shape_of(const at::Tensor& t) { return "[" + util::joined(t.sizes(), ", ") + "]"; }

// "exp_avg" of "exp_avg.layer1.0.conv1.weight".
std::string quantity_of(const std::string& name) { return name.substr(0, name.find('.')); }

}  // namespace

void Optimizer::load(const state::NamedTensors& values) {
  std::map<std::string, at::Tensor> own;
  std::set<std::string> quantities;
  for (const auto& [name, tensor] : state()) {
    own.emplace(name, tensor);
    quantities.insert(quantity_of(name));
  }
  state::NamedTensors found;
  for (const auto& [name, value] : values) {
    const auto place = own.find(name);
    if (quantities.count(quantity_of(name)) == 0) {
      throw mismatch("it has '" + name + "', which this optimizer does not keep");
    }
    if (place == own.end()) continue;
    if (value.sizes() != place->second.sizes()) {
      throw mismatch("its '" + name + "' is " + shape_of(value) + ", this optimizer's " +
                     shape_of(place->second));
    }
    found.emplace_back(name, value);
  }
  state::copy_by_name(found, state());
}

void Optimizer::set_lr(double lr) {
  for (ParamGroup& group : groups_) {
    group.lr = lr;
  }
}

double Optimizer::lr() const { return groups_.empty() ? 0.0 : groups_.front().lr; }

}  // namespace dtrain::optim
