// What every model is to the rest of the program: a torch module from images to logits.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace dtrain::nn {

// `forward` maps images (B, C, H, W) to logits (B, K), one row an image. Any floating dtype that
// the parameters have, or that autocast gives; B = 0 is a batch like any other. Modules are
// shared_ptr, as torch wants them; the one who creates a model owns it, everybody else borrows
// `Classifier&`.
//
//   std::shared_ptr<nn::Classifier> model = models::create_model(config, seed);
//   at::Tensor logits = model->forward(batch.images);
class Classifier : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& images) = 0;

  // For inference only: puts batch norms into the convolutions before them (ConvNormAct::fold),
  // where they follow one directly. The logits stay the same but for rounding. Does nothing unless
  // a model says how.
  virtual void fold_batch_norm() {}
};

}  // namespace dtrain::nn
