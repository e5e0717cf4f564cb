// Tensors that C++ and Python compute alike: the twin of tests/golden/formula.py.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace dtrain::testing {

inline uint64_t fnv1a(const std::string& name) {
  uint64_t h = 0xcbf29ce484222325;
  for (const char c : name) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return h;
}

// float64; element i (row-major) is offset + scale * u, u in [-1, 1) from splitmix64(fnv1a(name),
// i).
inline at::Tensor formula(const std::string& name,
                          at::IntArrayRef shape,
                          double scale = 1.0,
                          double offset = 0.0) {
  at::Tensor t = at::empty(shape, at::kDouble);
  double* out = t.mutable_data_ptr<double>();
  uint64_t state = fnv1a(name);
  for (int64_t i = 0; i < t.numel(); ++i) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    const double u = static_cast<double>(z >> 11) * 0x1p-52 - 1.0;
    out[i] = offset + scale * u;
  }
  return t;
}

inline bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Sets every parameter and buffer of a ResNet by its name and shape, keeping dtype and layout.
inline void fill_resnet(torch::nn::Module& model) {
  const at::NoGradGuard no_grad;
  const auto parameters = model.named_parameters();
  const auto ends_branch = [&](const std::string& name) {
    const std::string prefix = name.substr(0, name.rfind("bn"));
    return ends_with(name, "bn3.weight") ||
           (ends_with(name, "bn2.weight") && !parameters.contains(prefix + "bn3.weight"));
  };
  for (const auto& item : parameters) {
    const std::string& name = item.key();
    at::Tensor t = item.value();
    double scale = 0.25, offset = 0.0;
    if (t.dim() == 4) {
      scale = std::sqrt(6.0 / static_cast<double>(t.numel() / t.size(1)));
    } else if (name.rfind("fc.", 0) == 0) {
      scale = 1.0 / std::sqrt(static_cast<double>(parameters["fc.weight"].size(1)));
    } else if (ends_branch(name)) {
      scale = 0.0625, offset = 0.125;
    } else if (ends_with(name, "weight")) {
      offset = 1.0;
    }
    t.copy_(formula(name, t.sizes(), scale, offset));
  }
  for (const auto& item : model.named_buffers()) {
    const std::string& name = item.key();
    at::Tensor t = item.value();
    if (ends_with(name, "running_mean")) {
      t.copy_(formula(name, t.sizes(), 0.125));
    } else if (ends_with(name, "running_var")) {
      t.copy_(formula(name, t.sizes(), 0.5, 1.0));
    } else {
      t.zero_();
    }
  }
}

// Norm, dot product with formula(name + "#"), first and last element: (4) float64.
inline at::Tensor digest(const std::string& name, const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kDouble).contiguous().view(-1);
  const at::Tensor probe = formula(name + "#", flat.sizes());
  return at::stack({at::linalg_vector_norm(flat), flat.dot(probe), flat[0], flat[-1]});
}

inline at::Tensor targets_of(int64_t batch, int64_t classes, int64_t shift = 0) {
  return (at::arange(batch, at::kLong) * 7 + 3 + shift).remainder(classes);
}

}  // namespace dtrain::testing
