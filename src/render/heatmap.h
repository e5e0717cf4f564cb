// A confusion matrix as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "render/drawing.h"

namespace dtrain::render {

struct Heatmap {
  std::string title;
  std::string row_label, column_label;
  std::vector<std::string> names;  // (K)
  std::vector<int64_t> counts;     // (K, K), row by row
};

// Cells are coloured by their share of the row. Up to 30 classes have their names and counts
// written; of more than 96, neighbours share a cell.
Drawing draw(const Heatmap& heatmap);

}  // namespace dtrain::render
