// A configuration of all field types, in two nested sections, for the tests of config/.
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

struct OptimizerExample {
  std::string name = "sgd";
  double lr = 0.1;
  std::string note;
  std::vector<std::string> skip = {"bias"};
};
template <class V>
void fields(V& v, OptimizerExample& c) {
  v("name", c.name, one_of({"sgd", "adamw"}), "Update rule.");
  v("lr", c.lr, above(0), "Learning rate.");
  v("note", c.note, "Free text | for you.");
  v("skip", c.skip, not_empty(), "Parameters left out.");
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
