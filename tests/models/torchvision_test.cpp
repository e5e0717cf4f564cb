// A model's state, opened by Python: it loads strictly into torchvision and gives the same logits.
#include <gtest/gtest.h>

#include <sstream>

#include "models/registry.h"
#include "nn/conversion.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/python.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tensor_file.h"

namespace dtrain::models {
namespace {

struct Case {
  const char* model;
  const char* stem;
  at::ScalarType dtype;
  double tolerance;
};

testing::PythonResult check_in_python(const Case& c, double disturbance) {
  const auto model =
      create_model({.name = c.model, .in_channels = 3, .num_classes = 7, .stem = c.stem}, 5);
  nn::set_dtype(*model, c.dtype);
  testing::fill_resnet(*model);
  model->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor images = testing::formula("images", {4, 3, 32, 32}).to(c.dtype);
  const at::Tensor logits = model->forward(images) * (1.0 + disturbance);
  std::ostringstream tolerance;
  tolerance << c.tolerance;
  const testing::TempFolder folder;
  testing::write_tensors(folder / "model.safetensors", dist::state_of(*model));
  testing::write_tensors(folder / "exchange.safetensors", {{"images", images}, {"logits", logits}});
  return testing::run_python("tests/golden/check_checkpoint.py",
                             {folder.path().string(),
                              (folder / "exchange.safetensors").string(),
                              "--model",
                              c.model,
                              "--tolerance",
                              tolerance.str()});
}

TEST(Torchvision, LoadsTheStateStrictlyAndGivesTheSameLogits) {
  for (const Case& c : {Case{"resnet18", "small", at::kFloat, 1e-5},
                        Case{"resnet50", "imagenet", at::kFloat, 1e-5},
                        Case{"resnet34", "imagenet", at::kDouble, 1e-12}}) {
    const auto result = check_in_python(c, 0.0);
    EXPECT_EQ(result.status, 0) << c.model << ": " << result.output;
  }
}

TEST(Torchvision, CheckFailsWhenLogitsDiffer) {
  const auto result = check_in_python({"resnet18", "small", at::kFloat, 1e-5}, 1e-3);
  EXPECT_NE(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("more than 1e-05"), std::string::npos) << result.output;
}

}  // namespace
}  // namespace dtrain::models
