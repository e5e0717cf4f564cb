// Changes how a module's tensors are stored, before training starts.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace dtrain::nn {

// Converts floating parameters and buffers; torch's Module::to(dtype) would turn the integer
// counters (num_batches_tracked) into floats too, which Python then refuses to load.
void set_dtype(torch::nn::Module& module, at::ScalarType dtype);

// Memory layout of the four-dimensional parameters; they are made channels-last.
void set_memory_format(torch::nn::Module& module, at::MemoryFormat format);

}  // namespace dtrain::nn
