// Settings of the augmentation, and the steps they stand for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/fields.h"
#include "config/problems.h"
#include "data/sample.h"
#include "data/transforms/step_table.h"
#include "data/transforms/view.h"

namespace dtrain::data {

struct TransformConfig {
  int64_t size = 0;
  int64_t eval_resize = 0;
  bool random_resized_crop = true;
  std::vector<double> crop_scale = {0.08, 1.0};
  std::vector<double> crop_ratio = {0.75, 4.0 / 3.0};
  bool exact_decoding = false;
  int64_t random_crop_padding = 0;
  std::string padding_mode = "zero";
  double horizontal_flip = 0.5;
  double random_erasing = 0.0;
  std::vector<double> erasing_scale = {0.02, 0.33};
  std::vector<double> erasing_ratio = {0.3, 3.3};
  std::vector<double> erasing_value;
  std::string auto_augment;
  std::vector<std::string> train, weak, strong;
  std::vector<double> mean, std;
};

template <class V>
void fields(V& v, TransformConfig& c) {
  using namespace config;
  v("size",
    c.size,
    between(0, 4096),
    "Side that images are resized and cropped to; 0: chosen from the images' sizes.");
  v("eval_resize",
    c.eval_resize,
    between(0, 8192),
    "With a size, for evaluation: the shorter side before the middle is cut out; 0: 8/7 of size.");
  v("random_resized_crop",
    c.random_resized_crop,
    kAhead,
    "With a size, for training: a random part of the picture, resized; else as for evaluation.");
  v("crop_scale",
    c.crop_scale,
    between(0, 1),
    kAhead,
    "Smallest and largest area of the random part, as a share of the picture.");
  v("crop_ratio",
    c.crop_ratio,
    above(0),
    kAhead,
    "Smallest and largest ratio of width to height of the random part.");
  v("exact_decoding",
    c.exact_decoding,
    "Decode whole JPEG pictures in full, as other programs do, not only the part and size needed.");
  v("random_crop_padding",
    c.random_crop_padding,
    between(0, 1024),
    kAhead,
    "Pixels added on every side before a crop of the image's size at a random place; 0: no crop.");
  v("padding_mode", c.padding_mode, one_of({"zero", "reflect"}), kAhead, "What the padding shows.");
  v("horizontal_flip",
    c.horizontal_flip,
    between(0, 1),
    kAhead,
    "Probability of a horizontal flip.");
  v("random_erasing",
    c.random_erasing,
    between(0, 1),
    kAhead,
    "Probability that a random rectangle is erased (random erasing).");
  v("erasing_scale",
    c.erasing_scale,
    between(0, 1),
    kAhead,
    "Smallest and largest erased area, as a share of the image.");
  v("erasing_ratio",
    c.erasing_ratio,
    above(0),
    kAhead,
    "Smallest and largest ratio of height to width of the erased rectangle.");
  v("erasing_value",
    c.erasing_value,
    between(0, 255),
    kAhead,
    "Erased pixels get this value, one per channel or one for all; empty: the mean.");
  v("auto_augment",
    c.auto_augment,
    kAhead,
    "Policy after the flip: ra, ta_wide, imagenet, cifar10, or a step; empty: none.");
  v("train",
    c.train,
    kAhead,
    "The whole of the training's transforms as a list of steps (docs/transforms.md), in place of "
    "those "
    "that the fields above choose; empty: those.");
  v("weak",
    c.weak,
    kAhead,
    "Steps of the weak view of unlabelled pictures; empty: those of the training.");
  v("strong",
    c.strong,
    kAhead,
    "Steps of their strong view; empty: those of the weak view and rand_augment(2, 10).");
  v("mean",
    c.mean,
    between(0, 1),
    "Mean of pixels in [0, 1], one per channel or one for all; empty: the data set's.");
  v("std",
    c.std,
    above(0),
    "Standard deviation of pixels in [0, 1], like the mean; empty: the data set's.");
}

// The configured values or else the data set's, spread over the channels. Throws Error(kConfig)
// when their number fits neither 1 nor `channels`.
Normalization resolve_normalization(const TransformConfig& config,
                                    const std::vector<double>& dataset_mean,
                                    const std::vector<double>& dataset_std,
                                    int64_t channels);

// The side to which pictures of a data set with images of `shape` (height 0: of different sizes)
// are brought; 0: they stay as they are.
int64_t image_side(const TransformConfig& config, const ImageShape& shape);

// Views of a data set with images of `shape`. Throw Error(kConfig), with the field, for settings
// that do not fit it.
//   train        what transforms.train lists; without it part of the picture, padded crop, flip,
//                automatic augmentation, erasing: those that would do something
//   evaluation   the middle of the picture
//   weak_strong  two views of each sample, for semi-supervised training
View make_train_view(const TransformConfig& config,
                     const Normalization& normalization,
                     const ImageShape& shape);
View make_eval_view(const TransformConfig& config, const ImageShape& shape);
Views make_weak_strong_views(const TransformConfig& config,
                             const Normalization& normalization,
                             const ImageShape& shape);

// The steps listed under `key`; for lists of views elsewhere.
View make_view(const std::string& name,
               const std::string& key,
               const std::vector<std::string>& steps,
               const TransformConfig& config,
               const Normalization& normalization,
               const ImageShape& shape);

// What is wrong in the lists of steps, whatever the data set.
void validate(const TransformConfig& config, config::Problems& problems);

}  // namespace dtrain::data
