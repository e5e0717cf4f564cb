// Tensors through a checkpoint and back, bit for bit; a committed checkpoint of the first format
// version.
#include "checkpoint/checkpoint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>

#include "dist/parameter_sync.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;
using config::Json;
using dtrain::testing::error_text;
using dtrain::testing::names_in;
using dtrain::testing::TempFolder;
using dtrain::testing::with_file_size_limit;
using Names = std::vector<std::string>;

const fs::path kGolden = fs::path(DTRAIN_SOURCE_DIR) / "tests/golden/checkpoint_v1";

// Same type, shape and bytes; NaNs count as equal if their bits are.
bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  return x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

CheckpointData example() {
  at::manual_seed(1);
  CheckpointData data;
  data.weights = {{"model",
                   {{"conv.weight", at::randn({4, 3, 3, 3}).to(at::MemoryFormat::ChannelsLast)},
                    {"bn.running_var", at::rand({4})},
                    {"bn.num_batches_tracked", at::full({}, 938, at::kLong)}}}};
  data.state = {{"momentum/conv.weight", at::randn({4, 3, 3, 3})},
                {"sums", at::tensor({1.0 / 3, 1e300}, at::kDouble)},
                {"half", at::randn({5}).to(at::kHalf)},
                {"bfloat", at::randn({5}).to(at::kBFloat16)},
                {"flags", at::tensor({1, 0}).to(at::kBool)},
                {"bytes", at::arange(256).to(at::kByte)},
                {"empty", at::empty({0, 3})},
                {"view", at::arange(12).reshape({3, 4}).t()}};
  data.position = {938, 1, 469};
  data.meta = {{"metrics", {{"top1", 91.5}}}, {"class_names", {"a", "b"}}};
  return data;
}

void expect_equal(const NamedTensors& actual, const NamedTensors& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].first, expected[i].first);
    EXPECT_TRUE(same_bits(actual[i].second, expected[i].second)) << expected[i].first;
  }
}

TEST(Checkpoint, ComesBackBitForBitInTheSameOrder) {
  TempFolder folder;
  CheckpointStore store(folder.path(), {.check_finite = false});
  CheckpointData data = example();
  data.state.emplace_back("nan", at::full({2}, std::nan("")));
  save_checkpoint(store, data, true);
  EXPECT_EQ(names_in(folder / "last"),
            (Names{"manifest.json", "model.safetensors", "state.safetensors"}));
  const CheckpointData loaded = load_checkpoint(folder / "best");
  expect_equal(loaded.weights.at(0).tensors, data.weights.at(0).tensors);
  expect_equal(loaded.state, data.state);
  EXPECT_EQ(loaded.position.step, 938);
  EXPECT_EQ(loaded.position.epoch, 1);
  EXPECT_EQ(loaded.position.batch, 469);
  EXPECT_EQ(loaded.meta, data.meta);
  expect_equal(load_safetensors(folder / "last" / "model.safetensors"), data.weights.at(0).tensors);
}

TEST(Checkpoint, OfTheFirstFormatVersionIsStillRead) {
  const CheckpointData data = load_checkpoint(kGolden / "step-00000938");
  EXPECT_EQ(data.position.step, 938);
  EXPECT_EQ(data.position.epoch, 1);
  EXPECT_EQ(data.position.batch, 469);
  EXPECT_EQ(data.meta["metrics"]["eval_top1"], 91.53);
  EXPECT_EQ(data.meta["class_names"][0], "Träger");
  std::map<std::string, at::Tensor> model(data.weights.at(0).tensors.begin(),
                                          data.weights.at(0).tensors.end());
  std::map<std::string, at::Tensor> state(data.state.begin(), data.state.end());
  ASSERT_EQ(model.size(), 5u);
  ASSERT_EQ(state.size(), 4u);
  EXPECT_TRUE(
      same_bits(model.at("conv1.weight"), at::arange(18, at::kFloat).reshape({2, 1, 3, 3}) / 8));
  EXPECT_TRUE(same_bits(model.at("bn1.running_mean"), at::tensor({0.5f, -0.25f})));
  EXPECT_TRUE(same_bits(model.at("bn1.num_batches_tracked"), at::full({}, 938, at::kLong)));
  EXPECT_TRUE(same_bits(model.at("fc.bias"),
                        at::tensor({1e-3, std::numeric_limits<double>::infinity()}, at::kDouble)));
  EXPECT_TRUE(same_bits(state.at("optimizer/conv1.weight/momentum"),
                        at::full({2, 1, 3, 3}, -1.5f, at::kFloat)));
  EXPECT_TRUE(same_bits(state.at("ema/fc"), at::tensor({0.5f, -3.140625f}).to(at::kBFloat16)));
  EXPECT_TRUE(same_bits(state.at("flags"), at::tensor({1, 0}).to(at::kBool)));
  EXPECT_TRUE(same_bits(state.at("bytes"), at::tensor({0, 255}).to(at::kByte)));
}

TEST(Checkpoint, WithNanOrInfinityIsNotSaved) {
  TempFolder folder;
  CheckpointStore store(folder.path(), {});
  CheckpointData data = example();
  save_checkpoint(store, data, true);
  data.position.step = 939;
  for (double bad : {std::nan(""), double{INFINITY}, -double{INFINITY}}) {
    data.weights[0].tensors[1].second[2] = bad;
    std::string text = error_text([&] { save_checkpoint(store, data, true); }, ExitCode::kData);
    EXPECT_NE(text.find("step-00000939 is not saved: it would hold NaN or infinity (first in "
                        "bn.running_var)"),
              std::string::npos)
        << text;
  }
  const CheckpointData sound = example();
  data.weights = sound.weights;
  data.weights.push_back({"ema", {}});
  for (NamedTensors* part : {&data.state, &data.weights.back().tensors}) {
    part->emplace_back("bad", at::full({2}, INFINITY, at::kFloat));
    std::string text = error_text([&] { save_checkpoint(store, data, true); }, ExitCode::kData);
    EXPECT_NE(text.find("(first in bad)"), std::string::npos) << text;
    part->pop_back();
  }
  data.weights[0].tensors[1].second[2] = INFINITY;
  EXPECT_EQ(names_in(folder.path()), (Names{"best", "last", "step-00000938"}));
  // The check can be turned off.
  CheckpointStore lenient(folder.path(), {.check_finite = false});
  save_checkpoint(lenient, data, false);
  EXPECT_TRUE(fs::exists(folder / "step-00000939"));
}

TEST(Checkpoint, ADiskThatFillsUpLeavesTheOlderOne) {
  TempFolder folder;
  CheckpointStore store(folder.path(), {});
  CheckpointData data = example();
  save_checkpoint(store, data, false);
  data.position.step = 939;
  EXPECT_TRUE(with_file_size_limit(1000, [&] {
    std::string text = error_text([&] { save_checkpoint(store, data, false); });
    return text.find("state.safetensors: File too large; raise the limit") != std::string::npos;
  }));
  EXPECT_EQ(names_in(folder.path()), (Names{"last", "step-00000938"}));
  expect_equal(load_checkpoint(folder / "last").state, data.state);
}

TEST(Checkpoint, AFlippedBitAnywhereIsNoticed) {
  TempFolder folder;
  CheckpointStore store(folder.path(), {});
  save_checkpoint(store, example(), false);
  for (const char* name : {"model.safetensors", "state.safetensors", "manifest.json"}) {
    const fs::path path = folder / "step-00000938" / name;
    const std::string content = util::read_file(path);
    for (size_t at = 0; at < content.size(); at += 1 + content.size() / 60) {
      std::string damaged = content;
      damaged[at] ^= 4;
      std::ofstream(path, std::ios::binary) << damaged;
      std::string text = error_text([&] { load_checkpoint(folder / "last"); });
      EXPECT_NE(text.find(name), std::string::npos) << "byte " << at << ": " << text;
    }
    util::write_file_atomic(path, content);
  }
  load_checkpoint(folder / "last");
}

TEST(Checkpoint, ThatDoesNotExistIsNamed) {
  EXPECT_NE(error_text([] { load_checkpoint("/nonexistent/last"); }).find("/nonexistent/last"),
            std::string::npos);
}

struct Net : torch::nn::Module {
  Net() {
    weight =
        register_parameter("weight", at::zeros({2, 3, 2, 2}).to(at::MemoryFormat::ChannelsLast));
    mean = register_buffer("mean", at::zeros({2}));
  }
  at::Tensor weight, mean;
};

struct Outer : torch::nn::Module {
  Outer() { inner = register_module("inner", std::make_shared<Net>()); }
  std::shared_ptr<Net> inner;
};

TEST(CopyTensors, FillsAModuleAndKeepsItsMemoryOrder) {
  Outer module;
  const NamedTensors values = {{"inner.mean", at::arange(2, at::kFloat)},
                               {"inner.weight", at::randn({2, 3, 2, 2})}};
  copy_tensors(values, dist::state_of(module), "checkpoint");
  EXPECT_TRUE(same_bits(module.inner->weight.detach(), values[1].second));
  EXPECT_TRUE(same_bits(module.inner->mean, values[0].second));
  EXPECT_TRUE(module.inner->weight.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(module.inner->weight.requires_grad());
}

TEST(CopyTensors, ListsAllThatDiffersAndCopiesNothing) {
  Outer module;
  std::string text = error_text(
      [&] {
        copy_tensors({{"inner.weight", at::ones({2, 3, 2, 2})},
                      {"inner.mean", at::ones({3})},
                      {"inner.bias", at::ones({2})}},
                     dist::state_of(module),
                     "checkpoint x");
      },
      ExitCode::kConfig);
  EXPECT_NE(text.find("checkpoint x: inner.mean is Float[3], expected Float[2]; "
                      "unexpected inner.bias"),
            std::string::npos)
      << text;
  EXPECT_EQ(module.inner->weight.abs().sum().item<float>(), 0);
  text = error_text([&] { copy_tensors({}, dist::state_of(module), "x"); }, ExitCode::kConfig);
  EXPECT_NE(text.find("no inner.weight; no inner.mean"), std::string::npos) << text;
}

}  // namespace
}  // namespace dtrain::checkpoint
