#include "dist/gradient_reducer.h"

#include <optional>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "dist/libtorch.h"
#include "dist/reduce_hook.h"
#include "util/check.h"

namespace dtrain::dist {
namespace {

int64_t bytes(double mebibytes) { return int64_t(mebibytes * 1024 * 1024); }

std::vector<at::Tensor> trainable(const torch::nn::Module& model) {
  std::vector<at::Tensor> parameters;
  for (const at::Tensor& parameter : model.parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  return parameters;
}

std::vector<std::string> trainable_names(const torch::nn::Module& model) {
  std::vector<std::string> names;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) names.push_back(item.key());
  }
  return names;
}

std::optional<at::ScalarType> wire_type(const std::string& compression) {
  if (compression == "bfloat16") return at::kBFloat16;
  if (compression == "float16") return at::kHalf;
  return std::nullopt;
}

}  // namespace

GradientReducer::GradientReducer(const torch::nn::Module& model,
                                 const ProcessGroup& group,
                                 const DistConfig& config)
    : GradientReducer(trainable(model), trainable_names(model), group, config) {}

GradientReducer::GradientReducer(std::vector<at::Tensor> parameters,
                                 std::vector<std::string> names,
                                 const ProcessGroup& group,
                                 const DistConfig& config)
    : parameters_(std::move(parameters)),
      group_(group),
      clock_(std::make_shared<ReduceClock>()),
      reduce_after_backward_(config.static_graph) {
  if (parameters_.empty()) {
    throw config_error("model", "it has no parameter to train", "leave some layers unfrozen");
  }
  check(parameters_.size() == names.size(), "one name for each parameter");
  reducer_ = detail::make_reducer(
      parameters_, names, group_.c10d(), bytes(config.bucket_mb), bytes(config.first_bucket_mb));
  reducer_->register_comm_hook(
      std::make_unique<ReduceHook>(group_.c10d(),
                                   wire_type(config.compression),
                                   clock_,
                                   parameters_[0].is_cpu() ? group_.make_host_reducer() : nullptr));
  if (config.static_graph) reducer_->set_static_graph();
}

GradientReducer::~GradientReducer() {
  // After a failed backward pass the parameters may outlive their reducer.
  try {
    reducer_->remove_autograd_hooks();
  } catch (const std::exception&) {
  }
}

void GradientReducer::prepare_forward() {
  if (is_synchronised_) reducer_->prepare_for_forward();
}

// Note [Static graph]
// With a static graph c10d counts, in its first synchronised pass, how often each parameter takes
// part, and leaves the reduction of that pass to its caller.
void GradientReducer::backward(const at::Tensor& loss) {
  // No outputs: they are for finding parameters that take no part, which is not done.
  if (is_synchronised_) reducer_->prepare_for_backward({});
  group_.guarded("gradient all-reduce", [&] {
    loss.backward();
    if (is_synchronised_ && reduce_after_backward_) reducer_->delay_all_reduce();
  });
  if (!is_synchronised_) return;
  reduce_after_backward_ = false;
  if (!loss.is_cpu()) return;
  const auto exposed = std::chrono::steady_clock::now() - clock_->last_bucket;
  exposed_seconds_ += std::chrono::duration<double>(exposed).count();
}

// Without a gradient autograd's result is moved in, and from there copied into the bucket in one
// pass; adding to a zeroed bucket would take three.
void GradientReducer::zero_grad() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

int64_t GradientReducer::buckets_started() const { return clock_->buckets; }

int64_t GradientReducer::num_buckets() const {
  return int64_t(reducer_->get_grad_buckets(/*return_zero_tensors=*/true).size());
}

}  // namespace dtrain::dist
