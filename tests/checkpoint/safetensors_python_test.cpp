// Python's safetensors opens what the C++ writer wrote.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "tests/support/python.h"
#include "tests/support/temp_folder.h"

namespace dtrain::checkpoint {
namespace {

TEST(SafetensorsInPython, EveryTypeLoadsWithItsValuesAndShape) {
  dtrain::testing::TempFolder folder;
  const std::string path = (folder / "x.safetensors").string();
  const uint8_t flags[] = {1, 0, 1};
  const uint8_t u8[] = {0, 255};
  const int8_t i8[] = {-128, 127};
  const int16_t i16[] = {-32768, 32767};
  const int32_t i32[] = {-7, 7};
  const int64_t i64[] = {int64_t{1} << 53};
  const uint16_t f16[] = {0x3800};   // 0.5
  const uint16_t bf16[] = {0xc049};  // -3.140625
  const float f32[] = {0, .25, .5, .75, 1, 1.25};
  const double f64[] = {1e300, -0.1};
  const std::vector<TensorSpec> specs = {{"flags", Dtype::kBool, {3}},
                                         {"u8", Dtype::kU8, {2, 1}},
                                         {"i8", Dtype::kI8, {2}},
                                         {"i16", Dtype::kI16, {2}},
                                         {"i32", Dtype::kI32, {2}},
                                         {"i64", Dtype::kI64, {}},
                                         {"f16", Dtype::kF16, {1}},
                                         {"bf16", Dtype::kBF16, {1}},
                                         {"layer.0.f32", Dtype::kF32, {2, 3}},
                                         {"f64", Dtype::kF64, {2}},
                                         {"empty", Dtype::kF32, {0, 5}}};
  const void* bytes[] = {flags, u8, i8, i16, i32, i64, f16, bf16, f32, f64, ""};
  write_safetensors(path, specs, {{"format", "pt"}}, [&](size_t i) { return bytes[i]; });
  auto result = dtrain::testing::run_python("tests/checkpoint/check_safetensors.py", {path});
  EXPECT_EQ(result.status, 0) << result.output;
}

}  // namespace
}  // namespace dtrain::checkpoint
