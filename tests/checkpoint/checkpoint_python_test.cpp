// A checkpoint opens in Python by what docs/checkpoint_format.md says.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "checkpoint/checkpoint.h"
#include "tests/support/python.h"
#include "tests/support/temp_folder.h"

namespace dtrain::checkpoint {
namespace {

TEST(CheckpointInPython, LoadsStrictlyIntoAModuleAndHasAReadableManifest) {
  dtrain::testing::TempFolder folder;
  CheckpointStore store(folder.path(), {});
  CheckpointData data;
  // Channels-last weights must arrive in their logical order.
  const at::Tensor weight = at::arange(54, at::kFloat).reshape({2, 3, 3, 3}) / 8;
  data.weights = {{"model",
                   {{"0.weight", weight.to(at::MemoryFormat::ChannelsLast)},
                    {"0.bias", at::tensor({0.5f, -0.5f})},
                    {"1.weight", at::ones({2})},
                    {"1.bias", at::zeros({2})},
                    {"1.running_mean", at::tensor({1.0f, 2.0f})},
                    {"1.running_var", at::tensor({3.0f, 4.0f})},
                    {"1.num_batches_tracked", at::full({}, 7, at::kLong)}}}};
  data.state = {{"momentum/0.weight", at::full({2, 3, 3, 3}, 0.25)}};
  data.position = {7, 0, 7};
  data.meta = {{"class_names", {"a", "ü"}}};
  save_checkpoint(store, data, true);
  auto result = dtrain::testing::run_python("tests/checkpoint/check_checkpoint.py",
                                            {(folder / "best").string()});
  EXPECT_EQ(result.status, 0) << result.output;
}

}  // namespace
}  // namespace dtrain::checkpoint
