// The pictures behind the rows of a file of predictions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "predictions/evaluation.h"
#include "render/png.h"
#include "report/sample_renderer.h"
#include "settings/run_config.h"

namespace dtrain::report {

class SamplePictures {
 public:
  // Finds the split that was predicted, by its fingerprint, among those of the configuration's data
  // set; null where it is none of them.
  static std::unique_ptr<SamplePictures> open(const settings::RunConfig& config,
                                              const predictions::PredictionsHeader& header);

  // As the network saw it in evaluation, before it was normalised. A picture that cannot be read
  // is an empty image.
  render::Image at(int64_t row);

 private:
  SamplePictures(const settings::RunConfig& config, std::unique_ptr<data::Dataset> dataset);
  std::unique_ptr<data::Dataset> dataset_;
  report::SampleRenderer renderer_;
};

// Contact sheets: the target, what was predicted and the path below each picture.
render::Image hardest_sheet(const predictions::Evaluation& evaluation, SamplePictures& pictures);
render::Image differing_sheet(const predictions::Comparison& comparison,
                              const std::vector<std::string>& class_names,
                              SamplePictures& pictures,
                              int64_t shown);

}  // namespace dtrain::report
