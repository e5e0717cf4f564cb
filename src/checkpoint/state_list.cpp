#include "checkpoint/state_list.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "checkpoint/differences.h"
#include "config/json.h"
#include "dist/parameter_sync.h"
#include "util/check.h"

namespace dtrain::checkpoint {
namespace {

using state::Kind;
using state::NamedTensors;
using state::Stateful;

std::string stored_name(const Stateful& part, const std::string& tensor) {
  return tensor.empty() ? part.name() : part.name() + "." + tensor;
}

using Saved = std::unordered_map<std::string, at::Tensor>;

// Version 1 until metrics had names of their own: (ranks, 3, 2) of loss, top1 and top5.
void name_old_metrics(NamedTensors& state) {
  const auto old = std::find_if(
      state.begin(), state.end(), [](const auto& entry) { return entry.first == "metric_sums"; });
  if (old == state.end()) return;
  const at::Tensor sums = old->second;
  state.erase(old);
  int64_t i = 0;
  for (const char* name : {"metrics.loss", "metrics.top1", "metrics.top5"}) {
    state.emplace_back(name, sums.select(1, i++).contiguous());
  }
}

// What a checkpoint on rank 0 holds for one part, and what is wrong with it.
class Matcher {
 public:
  Matcher(const CheckpointData& data) : data_(data), state_(data.state.begin(), data.state.end()) {}

  NamedTensors values_for(const Stateful& part) {
    const bool weights = part.kind() == Kind::kWeights;
    const NamedTensors* own_file = weights ? weights_named(data_, part.name()) : nullptr;
    if (weights && own_file == nullptr) {
      differences_.add("no " + part.name() + " weights");
      return {};
    }
    if (weights) {
      Saved saved(own_file->begin(), own_file->end());
      const NamedTensors values = take(part, saved, [](const std::string& name) { return name; });
      for (const auto& [name, tensor] : saved) differences_.add("unexpected " + name);
      return values;
    }
    NamedTensors values =
        take(part, state_, [&](const std::string& name) { return stored_name(part, name); });
    if (part.may_lack_state()) {
      std::erase_if(state_, [&](const auto& entry) {
        return entry.first == part.name() || entry.first.starts_with(part.name() + ".");
      });
    }
    return values;
  }

  // After all parts had their turn.
  void expect_all_used(const std::string& subject) {
    for (const auto& [name, tensor] : state_) differences_.add("unexpected " + name);
    if (differences_.empty()) return;
    throw config_error(subject, differences_.text(), "use the settings it was trained with");
  }

 private:
  template <class Name>
  NamedTensors take(const Stateful& part, Saved& saved, const Name& stored) {
    NamedTensors values;
    for (const auto& [name, own] : part.state()) {
      const auto found = saved.find(stored(name));
      if (found == saved.end()) {
        if (!part.may_lack_state()) differences_.add("no " + stored(name));
        continue;
      }
      const at::Tensor& value = found->second;
      // Of parts that are a rank's own, those of all ranks are stacked.
      const auto sizes = part.kind() == Kind::kPerRank ? value.sizes().slice(1) : value.sizes();
      if (sizes == own.sizes() && value.scalar_type() == own.scalar_type()) {
        values.emplace_back(name, value);
      } else {
        differences_.add(stored(name) + " is " + type_and_shape(value) + ", expected " +
                         type_and_shape(own));
      }
      saved.erase(found);
    }
    return values;
  }

  const CheckpointData& data_;
  Saved state_;
  Differences differences_;
};

// Of the values of all ranks (ranks, ...) those of this one. With another number of ranks the total
// is what has to stay right: rank 0 takes it.
at::Tensor own_share(const at::Tensor& all, const dist::ProcessGroup& group) {
  if (all.size(0) == group.size()) return all[group.rank()];
  return group.rank() == 0 ? all.sum(0) : at::zeros_like(all[0]);
}

// Sends rank 0's values: the others know names and shapes, but for which are there.
NamedTensors broadcast_values(const Stateful& part,
                              const NamedTensors& values,
                              const dist::ProcessGroup& group,
                              const dist::ProcessGroup& control) {
  config::Json found = config::Json::array();
  int64_t ranks = 0;
  if (group.rank() == 0) {
    for (const auto& [name, value] : values) found.push_back(name);
    if (!values.empty())
      ranks = values.front().second.dim() > 0 ? values.front().second.size(0) : 0;
  }
  const auto header = config::Json::parse(
      control.broadcast(config::Json{{"found", found}, {"ranks", ranks}}.dump()));
  const bool stacked = part.kind() == Kind::kPerRank;
  const auto names = header.at("found").get<std::set<std::string>>();
  const Saved at_root(values.begin(), values.end());
  NamedTensors received;
  std::vector<at::Tensor> tensors;
  for (const auto& [name, own] : part.state()) {
    if (names.count(name) == 0) continue;
    std::vector<int64_t> sizes = own.sizes().vec();
    if (stacked) sizes.insert(sizes.begin(), header.at("ranks").get<int64_t>());
    at::Tensor value = at::empty(sizes, own.options());
    if (group.rank() == 0) value.copy_(at_root.at(name));
    received.emplace_back(name, value);
    tensors.push_back(value);
  }
  if (tensors.empty()) return {};
  dist::broadcast_tensors(tensors, group);
  if (stacked) {
    for (auto& [name, value] : received) value = own_share(value, group);
  }
  return received;
}

}  // namespace

void StateList::add(state::Stateful& part) {
  for (const Stateful* other : parts_) {
    check(other->name() != part.name(), "every part of a training has a name of its own");
  }
  parts_.push_back(&part);
}

NamedTensors StateList::replicated() const {
  NamedTensors all;
  for (const Stateful* part : parts_) {
    if (part->kind() == Kind::kPerRank) continue;
    const bool plain = part->kind() == Kind::kWeights && part->name() == kModelWeights;
    for (const auto& [name, tensor] : part->state()) {
      all.emplace_back(plain ? name : stored_name(*part, name), tensor);
    }
  }
  return all;
}

void StateList::save(CheckpointData& data, const dist::ProcessGroup& control) const {
  for (const Stateful* part : parts_) {
    if (part->kind() == Kind::kWeights) {
      data.weights.push_back({part->name(), part->state()});
      continue;
    }
    for (const auto& [name, tensor] : part->state()) {
      const bool stacked = part->kind() == Kind::kPerRank;
      data.state.emplace_back(stored_name(*part, name),
                              stacked ? at::stack(control.all_gather(tensor)) : tensor);
    }
  }
}

void StateList::restore(CheckpointData& data,
                        const std::string& subject,
                        const dist::ProcessGroup& group,
                        const dist::ProcessGroup& control) const {
  const at::NoGradGuard no_grad;
  std::vector<NamedTensors> values(parts_.size());
  if (group.rank() == 0) {
    name_old_metrics(data.state);
    Matcher matcher(data);
    for (size_t i = 0; i < parts_.size(); ++i) values[i] = matcher.values_for(*parts_[i]);
    matcher.expect_all_used(subject);
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    parts_[i]->load(broadcast_values(*parts_[i], values[i], group, control));
  }
}

}  // namespace dtrain::checkpoint
