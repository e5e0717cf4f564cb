// The supervised task: its output, and smoothing only while the model trains.
#include "tasks/supervised_task.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tasks/losses.h"
#include "tests/support/formula_tensor.h"
#include "tests/support/tensor_matchers.h"

namespace dtrain::tasks {
namespace {

// Gives its images, flattened, as logits.
struct Identity : nn::Classifier {
  at::Tensor forward(const at::Tensor& images) override { return images.flatten(1); }
};

data::Batch batch_of(int64_t size) {
  data::Batch batch;
  batch.images = testing::formula("images", {size, 1, 2, 5}, 3.0).to(at::kFloat);
  batch.targets = testing::targets_of(size, 10);
  batch.ids = at::arange(size, at::kLong);
  return batch;
}

TEST(SupervisedTask, GivesTheLossOfTheModelsLogits) {
  Identity model;
  SupervisedTask task({.label_smoothing = 0.0});
  const data::Batch batch = batch_of(7);
  const TaskOutput out = task.forward(batch, model);
  EXPECT_TRUE(testing::bit_equal(out.logits, batch.images.flatten(1)));
  EXPECT_TRUE(testing::bit_equal(out.targets, batch.targets));
  EXPECT_TRUE(testing::bit_equal(out.loss_sum, cross_entropy(out.logits, batch.targets, 0.0)));
}

TEST(SupervisedTask, SmoothsLabelsInTrainingOnly) {
  Identity model;
  SupervisedTask task({.label_smoothing = 0.2});
  const data::Batch batch = batch_of(7);
  const at::Tensor logits = batch.images.flatten(1);
  model.train();
  EXPECT_TRUE(testing::bit_equal(task.forward(batch, model).loss_sum,
                                 cross_entropy(logits, batch.targets, 0.2)));
  model.eval();
  EXPECT_TRUE(testing::bit_equal(task.forward(batch, model).loss_sum,
                                 cross_entropy(logits, batch.targets, 0.0)));
}

TEST(SupervisedTask, GivesZeroLossForAnEmptyBatch) {
  Identity model;
  EXPECT_EQ(SupervisedTask({}).forward(batch_of(0), model).loss_sum.item<double>(), 0.0);
}

}  // namespace
}  // namespace dtrain::tasks
