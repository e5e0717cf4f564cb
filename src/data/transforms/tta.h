// Named lists of views for test-time augmentation: a sample is shown in several ways, and the
// predictions are averaged (Krizhevsky et al., "ImageNet Classification with Deep Convolutional
// Neural Networks", NIPS 2012, section 4.1, has the ten crops).
//
//   identity        the view of evaluation
//   flip            it, and mirrored
//   five_crop       the corners and the middle of the resized picture, as torchvision's FiveCrop
//   ten_crop        those, and mirrored
//   scales          the middle at 0.875, 1 and 1.125 of transforms.eval_resize
//   rotations(d)    turned by -d, 0 and d degrees
//   random(n)       n draws of the training's transforms, keyed by the sample
#pragma once

#include <string>
#include <vector>

#include "data/transforms/factory.h"

namespace dtrain::data {

const std::vector<std::string>& tta_names();

// The views of the list `name`, the first one nearest to that of evaluation. Throws Error(kConfig)
// for unknown names, and for crops of pictures that stay as they are.
Views make_tta_views(const std::string& name,
                     const TransformConfig& config,
                     const Normalization& normalization,
                     const ImageShape& shape);

}  // namespace dtrain::data
