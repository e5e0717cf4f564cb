// Initial weights: torchvision's distributions, a function of the seed and of each parameter's
// name.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>

namespace dtrain::nn {

// Fills the parameters of every Conv2d and Linear below `model`:
//   Conv2d  N(0, 2 / fan_out), fan_out = out_channels * kernel^2   (He et al. 2015, torchvision's
//   ResNet) Linear  weight and bias U(-1/sqrt(in), 1/sqrt(in))               (torch.nn.Linear's
//   default)
// Batch norms start as one and zero by their own constructor.
//
// Each parameter has a random stream of its own, keyed by (seed, name): the values depend neither
// on the rank, nor on threads, nor on the memory layout, nor on what else the model holds, so that
// a change of the number of classes leaves the backbone as it was.
void initialise(torch::nn::Module& model, uint64_t seed);

}  // namespace dtrain::nn
