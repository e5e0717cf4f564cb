#include "report/sample_renderer.h"

namespace dtrain::report {

SampleRenderer::SampleRenderer(const data::Dataset& dataset,
                               const data::Views& views,
                               uint64_t seed)
    : pipeline_(dataset, views, seed, {}) {
  pixels_.resize(static_cast<size_t>(pipeline_.views() * pipeline_.shape().bytes()));
  batch_.images = pixels_.data();
  batch_.views = pipeline_.views();
  batch_.size = 1;
  batch_.shape = pipeline_.shape();
  batch_.targets.resize(1);
  batch_.ids.resize(1);
}

std::vector<render::Image> SampleRenderer::render(int64_t index, int64_t epoch) {
  pipeline_.make(index, epoch, 0, batch_, scratch_);
  const data::ImageShape& shape = batch_.shape;
  std::vector<render::Image> images;
  for (int64_t view = 0; view < batch_.views; ++view) {
    const uint8_t* pixels = pixels_.data() + view * shape.bytes();
    images.push_back({shape.width, shape.height, shape.channels, {pixels, pixels + shape.bytes()}});
  }
  return images;
}

}  // namespace dtrain::report
