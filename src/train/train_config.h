// How a training step is computed, as opposed to what is trained on what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/fields.h"

namespace dtrain::train {

struct TrainConfig {
  std::string precision = "auto";
  bool channels_last = true;
  bool deterministic = false;
  double clip_grad = 0.0;
  int64_t grad_accum_steps = 1;
  int64_t eval_interval = 1;
  std::vector<std::string> metrics;
  std::string best_metric = "top1";
  int64_t patience = 0;
  int64_t max_steps = 0;
  std::string resume_schedule = "stretch";
};

template <class V>
void fields(V& v, TrainConfig& c) {
  using namespace config;
  v("precision",
    c.precision,
    one_of({"auto", "bfloat16", "float16", "float32", "float64"}),
    "Arithmetic of the forward and backward pass: autocast to bfloat16, or to float16 with a loss "
    "scale, over float32 weights; plain float32; or float64 for checking formulas. auto: bfloat16 "
    "where the processor computes it.");
  v("channels_last",
    c.channels_last,
    "Keep images and convolution weights in (B, H, W, C) memory order, the faster one.");
  v("deterministic",
    c.deterministic,
    "cuda: only algorithms that give the same bits every time; slower. On the CPU all do.");
  v("clip_grad",
    c.clip_grad,
    at_least(0.0),
    kAhead,
    "Largest global norm of the gradients; 0 is no limit.");
  v("grad_accum_steps",
    c.grad_accum_steps,
    between(1, 1 << 20),
    "Batches whose gradients are added up before one update: a global batch of this many times the "
    "size, without the memory. Batch norm still sees each batch alone.");
  v("eval_interval", c.eval_interval, at_least(1), kFree, "Evaluate after every this many epochs.");
  v("metrics", c.metrics, "Also evaluate: balanced_accuracy, macro_f1, recall, log_loss, ece.");
  v("best_metric",
    c.best_metric,
    not_empty(),
    "Metric that picks the best checkpoint; recall/3 is class 3's recall.");
  v("patience",
    c.patience,
    at_least(0),
    kFree,
    "End the training after this many evaluations in a row of which none was the best; 0: never.");
  v("max_steps",
    c.max_steps,
    at_least(0),
    kFree,
    "End the process after this many steps in all, saved so that --resume goes on; 0: no limit.");
  v("resume_schedule",
    c.resume_schedule,
    one_of({"stretch", "append"}),
    kFree,
    "What a resume with another run.epochs does: stretch the rest of the decay to the new end, or "
    "append epochs at the last learning rate.");
}

}  // namespace dtrain::train
