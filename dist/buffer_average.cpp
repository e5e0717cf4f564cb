#include "dist/buffer_average.h"

#include <ATen/ATen.h>

#include <map>
#include <utility>

namespace dtrain::dist {

BufferAverage::BufferAverage(const torch::nn::Module& module, ProcessGroup group)
    : group_(std::move(group)) {
  std::map<at::ScalarType, std::vector<at::Tensor>> found;
  for (const at::Tensor& buffer : module.buffers()) {
    found[buffer.scalar_type()].push_back(buffer);
  }
  for (auto& [type, tensors] : found) by_type_.push_back(std::move(tensors));
}

void BufferAverage::run() {
  if (group_.size() == 1) return;
  const at::NoGradGuard no_grad;
  for (const std::vector<at::Tensor>& tensors : by_type_) {
    std::vector<at::Tensor> flat;
    for (const at::Tensor& tensor : tensors) flat.push_back(tensor.flatten());
    at::Tensor all = at::cat(flat);
    if (all.is_floating_point()) {
      group_.all_reduce_sum(all);
      all.div_(static_cast<double>(group_.size()));
    } else {
      group_.all_reduce_max(all);
    }
    int64_t begin = 0;
    for (const at::Tensor& tensor : tensors) {
      tensor.copy_(all.narrow(0, begin, tensor.numel()).view(tensor.sizes()));
      begin += tensor.numel();
    }
  }
}

}  // namespace dtrain::dist
