// A configuration of all field types, lists of structs among them, for the tests of config/.
#pragma once

#include "config/fields.h"

namespace dtrain::config {

struct LoaderExample {
  int64_t batch_size = 128;
  bool drop_last = true;
  std::vector<double> mean = {0.5, 0.25};
  std::vector<int64_t> sizes;
};
template <class V>
void fields(V& v, LoaderExample& c) {
  v("batch_size", c.batch_size, at_least(1), "Images per rank and step.");
  v("drop_last", c.drop_last, "Drop a short last batch.");
  v("mean", c.mean, between(0, 1), "Mean of each channel.");
  v("sizes", c.sizes, at_least(1), "Side lengths.");
}

struct DecayExample {
  double rate = 0.5;
  int64_t epochs = 0;
};
template <class V>
void fields(V& v, DecayExample& c) {
  v("rate", c.rate, between(0, 1), "Factor of a decay.");
  v("epochs", c.epochs, at_least(0), "Epochs between two.");
}

struct StageExample {
  int64_t epoch = 1;
};
template <class V>
void fields(V& v, StageExample& c) {
  v("epoch", c.epoch, at_least(1), "When it begins.");
}

// `match` must be given: its default is outside its limits.
struct GroupExample {
  std::string match;
  double lr_factor = 1;
  std::vector<std::string> kinds;
  std::string label;
  DecayExample decay;
  std::vector<StageExample> stages;
};
template <class V>
void fields(V& v, GroupExample& c) {
  v("match", c.match, not_empty(), "Names of parameters.");
  v("lr_factor", c.lr_factor, above(0), "Factor on the learning rate.");
  v("kinds", c.kinds, one_of({"weight", "bias"}), "Kinds of parameters.");
  v("label", c.label, kFree, "What the log calls it.");
  v("decay", c.decay, "Decay of the factor.");
  v("stages", c.stages, kRounding, "When it thaws.");
}

struct OptimizerExample {
  std::string name = "sgd";
  double lr = 0.1;
  std::string note;
  std::vector<std::string> skip = {"bias"};
  std::vector<GroupExample> groups;
};
template <class V>
void fields(V& v, OptimizerExample& c) {
  v("name", c.name, one_of({"sgd", "adamw"}), "Update rule.");
  v("lr", c.lr, above(0), "Learning rate.");
  v("note", c.note, "Free text | for you.");
  v("skip", c.skip, not_empty(), "Parameters left out.");
  v("groups", c.groups, "Parameter groups.");
}

struct ExampleConfig {
  LoaderExample loader;
  OptimizerExample optimizer;
};
template <class V>
void fields(V& v, ExampleConfig& c) {
  v("loader", c.loader, "How batches are made.");
  v("optimizer", c.optimizer, "How weights change.");
}

}  // namespace dtrain::config
