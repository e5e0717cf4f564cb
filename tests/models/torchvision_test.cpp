// A model's state, opened by Python: it loads strictly into torchvision and gives the same logits.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "dist/parameter_sync.h"
#include "models/registry.h"
#include "nn/conversion.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/python.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tensor_file.h"

namespace dtrain::models {
namespace {

struct Case {
  const char* name;
  const char* model;
  const char* stem;
  at::ScalarType dtype;
  const char* tolerance;
  double disturbance = 0.0;  // of the logits, relative
};

constexpr Case kCases[] = {
    {"resnet18", "resnet18", "small", at::kFloat, "1e-5"},
    {"resnet50", "resnet50", "imagenet", at::kFloat, "1e-5"},
    {"resnet34", "resnet34", "imagenet", at::kDouble, "1e-12"},
    {"disturbed", "resnet18", "small", at::kFloat, "1e-5", 1e-3},
};

// The state of a narrow model and its logits, in a folder named like the case.
void write(const Case& c, const std::filesystem::path& folder) {
  const auto model = create_model(
      {.name = c.model, .in_channels = 3, .num_classes = 7, .stem = c.stem, .width = 8}, 5);
  nn::set_dtype(*model, c.dtype);
  testing::fill_resnet(*model);
  model->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor images = testing::formula("images", {4, 3, 32, 32}).to(c.dtype);
  const at::Tensor logits = model->forward(images) * (1.0 + c.disturbance);
  std::filesystem::create_directory(folder);
  testing::write_tensors(folder / "model.safetensors", dist::state_of(*model));
  testing::write_tensors(folder / "exchange.safetensors", {{"images", images}, {"logits", logits}});
}

// Python starts once for all cases: that takes longer than what it is to say.
const testing::PythonResult& verdicts() {
  static const testing::PythonResult result = [] {
    const testing::TempFolder scratch;
    std::vector<std::string> arguments;
    for (const Case& c : kCases) {
      const std::filesystem::path folder = scratch / c.name;
      write(c, folder);
      for (const std::string& word : {folder.string(),
                                      (folder / "exchange.safetensors").string(),
                                      std::string(c.model),
                                      std::string(c.tolerance)}) {
        arguments.push_back(word);
      }
    }
    return testing::run_python("tests/golden/check_checkpoint.py", arguments);
  }();
  return result;
}

// What Python says of a case; empty if it says nothing.
std::string verdict_of(const std::string& name) {
  std::istringstream lines(verdicts().output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ": ")) return line;
  }
  return "";
}

TEST(Torchvision, LoadsTheStateStrictlyAndGivesTheSameLogits) {
  for (const char* name : {"resnet18", "resnet50", "resnet34"}) {
    EXPECT_TRUE(verdict_of(name).ends_with(" agree")) << name << ": " << verdicts().output;
  }
}

TEST(Torchvision, CheckFailsWhenLogitsDiffer) {
  EXPECT_NE(verdicts().status, 0);
  EXPECT_TRUE(verdict_of("disturbed").ends_with("more than 1e-05")) << verdicts().output;
}

}  // namespace
}  // namespace dtrain::models
