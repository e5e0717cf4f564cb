// Samples as pictures, the way a pipeline of transforms shows them.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader/data_loader.h"
#include "render/png.h"

namespace dtrain::report {

class SampleRenderer {
 public:
  // Borrows the data set.
  SampleRenderer(const data::Dataset& dataset, const data::Views& views, uint64_t seed);

  // One image for each view. Throws Error(kData) for a sample that cannot be read.
  std::vector<render::Image> render(int64_t index, int64_t epoch = 0);
  // Of the sample that was rendered last.
  int64_t target() const { return batch_.targets[0]; }

 private:
  data::SamplePipeline pipeline_;
  data::SamplePipeline::Scratch scratch_;
  data::HostBatch batch_;
  std::vector<uint8_t> pixels_;
};

}  // namespace dtrain::report
