// Reliability diagrams: how often a network is right, by how sure it was (Niculescu-Mizil and
// Caruana 2005).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "render/drawing.h"

namespace dtrain::render {

struct ReliabilityPanel {
  struct Bin {
    int64_t count = 0;
    double confidence = 0, accuracy = 0;  // means
  };
  std::string title;
  std::vector<Bin> bins;  // of equal width over 0 to 1
};

// Panels side by side: a bar for the accuracy of each bin, what is missing to its confidence (or is
// beyond it) in another colour, the diagonal, and how many samples each bin has.
Drawing draw(const std::string& title, const std::vector<ReliabilityPanel>& panels);

}  // namespace dtrain::render
