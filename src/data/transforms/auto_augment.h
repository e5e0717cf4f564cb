// AutoAugment (Cubuk et al., arXiv:1805.09501): one of 25 learned pairs of operations for each
// image, with torchvision's policies, operations and distribution of draws.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "data/sample.h"
#include "data/transforms/augment_operation.h"
#include "util/random.h"

namespace dtrain::data {

// The data set on which it was learned.
enum class AutoAugmentPolicy : uint8_t { kImageNet, kCifar10, kSvhn };

// An operation of a pair: how likely it is, and its magnitude.
struct PolicyStep {
  Operation operation;
  double probability;
  int64_t bin;  // of 10 bins of kUsualRanges; operations without a magnitude have 0
};

using SubPolicy = std::array<PolicyStep, 2>;

// 25 pairs, equally likely.
using PolicyTable = std::array<SubPolicy, 25>;

const PolicyTable& policy_table(AutoAugmentPolicy policy);

// The two steps in their order; one that is left out is empty.
using AutoAugmentDraw = std::array<std::optional<OperationDraw>, 2>;

// Always five draws: the pair, a probability for each step, a sign for each step.
AutoAugmentDraw draw_auto_augment(AutoAugmentPolicy policy,
                                  const ImageShape& shape,
                                  util::CounterRng& rng);

void auto_augment(Image& image,
                  Image& scratch,
                  AutoAugmentPolicy policy,
                  const AffineOptions& options,
                  util::CounterRng& rng);

}  // namespace dtrain::data
