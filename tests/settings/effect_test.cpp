// Which settings a resumed run may change. A new option that belongs in one of these lists says so
// where it is declared, and here.
#include <gtest/gtest.h>

#include "settings/run_config.h"

namespace dtrain::settings {
namespace {

using Paths = std::vector<std::string>;

Paths paths_of(config::Effect effect) {
  RunConfig config;
  const config::FieldList list = config::collect(config);
  Paths paths;
  for (const config::Field& field : list.all()) {
    if (field.effect == effect) paths.push_back(field.path);
  }
  return paths;
}

TEST(Effects, free_settings_are_these) {
  EXPECT_EQ(paths_of(config::kFree),
            (Paths{"run.experiment",
                   "run.output",
                   "run.resume",
                   "run.epochs",
                   "run.log_interval",
                   "data.data_dir",
                   "data.follow_links",
                   "data.csv_path_column",
                   "data.csv_label_column",
                   "data.csv_split_column",
                   "data.csv_absolute_paths",
                   "data.test_split",
                   "data.cache_mb",
                   "loader.eval_batch_size",
                   "loader.workers",
                   "loader.prefetch",
                   "loader.memory_mb",
                   "loader.bad_samples",
                   "loader.max_bad_samples",
                   "model.initial_checkpoint",
                   "train.eval_interval",
                   "train.patience",
                   "train.max_steps",
                   "train.resume_schedule",
                   "nonfinite.policy",
                   "nonfinite.max_skips",
                   "dist.timeout_s",
                   "dist.digest_interval",
                   "checkpoint.save_every_steps",
                   "checkpoint.save_every_epochs",
                   "checkpoint.keep_last",
                   "checkpoint.keep_best",
                   "checkpoint.keep_every_epochs",
                   "checkpoint.check_finite"}));
}

// The optimizer, the schedule and the average read these at each step, and nothing that a
// checkpoint holds has their shape; augmentation is drawn anew for each sample.
TEST(Effects, settings_that_change_the_steps_ahead_are_these) {
  EXPECT_EQ(paths_of(config::kAhead),
            (Paths{"transforms.random_resized_crop",
                   "transforms.crop_scale",
                   "transforms.crop_ratio",
                   "transforms.random_crop_padding",
                   "transforms.padding_mode",
                   "transforms.horizontal_flip",
                   "transforms.random_erasing",
                   "transforms.erasing_scale",
                   "transforms.erasing_ratio",
                   "transforms.erasing_value",
                   "transforms.auto_augment",
                   "transforms.train",
                   "transforms.weak",
                   "transforms.strong",
                   "loss.label_smoothing",
                   "optimizer.lr",
                   "optimizer.weight_decay",
                   "optimizer.momentum",
                   "optimizer.nesterov",
                   "optimizer.beta1",
                   "optimizer.beta2",
                   "optimizer.eps",
                   "schedule.name",
                   "schedule.warmup_epochs",
                   "schedule.warmup_factor",
                   "schedule.min_lr",
                   "schedule.decay_epochs",
                   "schedule.decay_rate",
                   "ema.decay",
                   "train.clip_grad",
                   "grad_scaler.growth_factor",
                   "grad_scaler.backoff_factor",
                   "grad_scaler.growth_interval",
                   "grad_scaler.min_scale"}));
}

TEST(Effects, settings_that_change_rounding_at_most_are_these) {
  EXPECT_EQ(paths_of(config::kRounding),
            (Paths{"run.device",
                   "run.threads",
                   "dist.backend",
                   "dist.bucket_mb",
                   "dist.first_bucket_mb",
                   "dist.static_graph"}));
}

// The rest is named too, so that nobody adds an option without a thought for resumed runs.
TEST(Effects, settings_that_change_the_course_of_training_are_these) {
  EXPECT_EQ(paths_of(config::kCourse),
            (Paths{"run.seed",
                   "data.dataset",
                   "data.label_in_name",
                   "data.train_split",
                   "data.eval_split",
                   "data.limit_train",
                   "data.limit_eval",
                   "data.holdout",
                   "data.folds",
                   "data.fold",
                   "data.labels_per_class",
                   "data.unlabeled",
                   "data.split_seed",
                   "data.cache",
                   "transforms.size",
                   "transforms.eval_resize",
                   "transforms.exact_decoding",
                   "transforms.mean",
                   "transforms.std",
                   "loader.batch_size",
                   "loader.drop_last",
                   "model.name",
                   "model.in_channels",
                   "model.num_classes",
                   "model.stem",
                   "model.width",
                   "model.zero_init_residual",
                   "optimizer.name",
                   "optimizer.no_decay_norm_bias",
                   "schedule.cycles",
                   "ema.enabled",
                   "ema.warmup",
                   "train.precision",
                   "train.channels_last",
                   "train.deterministic",
                   "train.grad_accum_steps",
                   "train.metrics",
                   "train.best_metric",
                   "grad_scaler.init_scale",
                   "dist.shared_memory",
                   "dist.compression",
                   "dist.sync_bn",
                   "dist.deterministic_world"}));
}

TEST(Effects, stand_in_the_differences_of_two_runs) {
  RunConfig before, now;
  now.optimizer.lr = 1;
  now.run.seed = 3;
  now.run.threads = 7;
  now.checkpoint.keep_last = 9;
  const auto found = differences(before, now);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].effect, config::kCourse);
  EXPECT_EQ(found[1].effect, config::kRounding);
  EXPECT_EQ(found[2].effect, config::kAhead);
  EXPECT_EQ(found[3].effect, config::kFree);
}

}  // namespace
}  // namespace dtrain::settings
