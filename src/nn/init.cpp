#include "nn/init.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <string>

#include "nn/layers.h"

namespace dtrain::nn {
namespace {

// FNV-1a over the name, started from the seed; at::Generator spreads the bits.
uint64_t stream_key(uint64_t seed, const std::string& name) {
  uint64_t key = 0xcbf29ce484222325 ^ (seed * 0x9e3779b97f4a7c15);
  for (const char c : name) {
    key = (key ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return key ^ (key >> 32);
}

std::string join(const std::string& module, const char* parameter) {
  return module.empty() ? parameter : module + "." + parameter;
}

// Drawn in row-major order on the CPU, then copied to where and how the parameter lies.
template <typename Draw>
void fill(at::Tensor& parameter, uint64_t seed, const std::string& name, Draw draw) {
  at::Generator generator = at::detail::createCPUGenerator(stream_key(seed, name));
  at::Tensor values = at::empty(parameter.sizes(), at::kFloat);
  draw(values, generator);
  parameter.data().copy_(values);
}

void init_conv(Conv2d& conv, uint64_t seed, const std::string& name) {
  const double fan_out = static_cast<double>(conv.weight.numel() / conv.weight.size(1));
  fill(conv.weight, seed, join(name, "weight"), [&](at::Tensor& t, const at::Generator& g) {
    t.normal_(0.0, std::sqrt(2.0 / fan_out), g);
  });
}

void init_linear(Linear& linear, uint64_t seed, const std::string& name) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(linear.weight.size(1)));
  const auto uniform = [&](at::Tensor& t, const at::Generator& g) { t.uniform_(-bound, bound, g); };
  fill(linear.weight, seed, join(name, "weight"), uniform);
  fill(linear.bias, seed, join(name, "bias"), uniform);
}

}  // namespace

void initialise(torch::nn::Module& model, uint64_t seed) {
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (auto* conv = dynamic_cast<Conv2d*>(item.value().get())) {
      init_conv(*conv, seed, item.key());
    } else if (auto* linear = dynamic_cast<Linear*>(item.value().get())) {
      init_linear(*linear, seed, item.key());
    }
  }
}

}  // namespace dtrain::nn
