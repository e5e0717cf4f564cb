#include "dist/gradient_reducer.h"

#include <torch/csrc/distributed/c10d/comm.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "dist/libtorch.h"
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

}  // namespace

GradientReducer::GradientReducer(const torch::nn::Module& model,
                                 const ProcessGroup& group,
                                 const DistConfig& config)
    : GradientReducer(trainable(model), trainable_names(model), group, config) {}

GradientReducer::GradientReducer(std::vector<at::Tensor> parameters,
                                 std::vector<std::string> names,
                                 const ProcessGroup& group,
                                 const DistConfig& config)
    : parameters_(std::move(parameters)), group_(group) {
  if (parameters_.empty()) {
    throw config_error("model", "it has no parameter to train", "leave some layers unfrozen");
  }
  check(parameters_.size() == names.size(), "one name for each parameter");
  reducer_ = detail::make_reducer(
      parameters_, names, group_.c10d(), bytes(config.bucket_mb), bytes(config.first_bucket_mb));
}

GradientReducer::~GradientReducer() {
  // After a failed backward pass the parameters may outlive their reducer.
  try {
    reducer_->remove_autograd_hooks();
  } catch (const std::exception&) {
  }
}

void GradientReducer::prepare_forward() {
  if (sync_) reducer_->prepare_for_forward();
}

void GradientReducer::prepare_backward(const at::Tensor&) {
  // No outputs: they are for finding parameters that take no part, which is not done.
  if (sync_) reducer_->prepare_for_backward({});
}

void GradientReducer::backward(const at::Tensor& loss) {
  prepare_backward(loss);
  group_.guarded("gradient all-reduce", [&] { loss.backward(); });
}

// Without a gradient autograd's result is moved in, and from there scaled into the bucket in one
// pass; adding to a zeroed bucket would take three.
void GradientReducer::zero_grad() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

void GradientReducer::set_hook(std::unique_ptr<c10d::CommHookInterface> hook) {
  reducer_->register_comm_hook(std::move(hook));
}

int64_t GradientReducer::num_buckets() const {
  return int64_t(reducer_->get_grad_buckets(/*return_zero_tensors=*/true).size());
}

}  // namespace dtrain::dist
