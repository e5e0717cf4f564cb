// How large the images of a data set are, as far as a sample of them shows, and the side that a
// network gets by default.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace dtrain::data {

struct PictureSizes {
  int64_t looked_at = 0;          // readable images of the sample
  bool all_alike = false;         // then width x height is that of every one
  int64_t width = 0, height = 0;  // of the first, as a person sees it
  int64_t median_side = 0;        // of the shorter sides
};

// Reads the headers of up to 200 evenly spread images. What cannot be read is passed over: training
// says what is wrong with it. For data sets of images that are decoded one by one (Dataset::shape
// has height 0).
PictureSizes survey_sizes(const Dataset& dataset);

struct ChosenSize {
  int64_t side = 0;
  bool keeps_whole = false;  // images are of this size: nothing is cut off or enlarged
  std::string why;
};

// Images of one size that is square and at most 256 are left as they are; others are brought to
// 224, or where half of them are smaller, to the multiple of 32 nearest to their median side.
ChosenSize choose_size(const PictureSizes& sizes);

}  // namespace dtrain::data
