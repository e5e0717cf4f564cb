// Which first layers a network has. Needs no torch.
#pragma once

namespace dtrain::nn {

enum class StemKind {
  kImagenet,  // 7x7 convolution of stride 2, then 3x3 max pooling of stride 2: a quarter of the
              // side
  kSmall,  // 3x3 convolution of stride 1, no pooling: the side stays (He et al. 2015, section 4.2)
};

}  // namespace dtrain::nn
