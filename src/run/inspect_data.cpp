#include "run/inspect_data.h"

#include <algorithm>
#include <vector>

#include "data/data_loader.h"
#include "data/transforms/tta.h"
#include "report/contact_sheet.h"
#include "run/components.h"

namespace dtrain::run {
namespace {

constexpr int64_t kSamples = 12, kEpochs = 6;

// Views and epochs that a sheet has as columns, behind the one of evaluation.
struct Columns {
  data::Views views;
  int64_t epochs = 1;
};

Columns columns_of(const RunConfig& config, const Data& data, const std::string& name) {
  const data::ImageShape shape = data.train->shape();
  const auto& transforms = config.transforms;
  if (name == "train") {
    return {{data::make_train_view(transforms, data.normalization, shape)}, kEpochs};
  }
  if (name == "weak_strong") {
    return {data::make_weak_strong_views(transforms, data.normalization, shape), 2};
  }
  return {data::make_tta_views(name, transforms, data.normalization, shape)};
}

report::Image image_of(const data::HostBatch& batch) {
  const auto& shape = batch.shape;
  report::Image image{shape.width, shape.height, shape.channels, {}};
  image.pixels.assign(batch.images, batch.images + shape.bytes());
  return image;
}

// One sample through a pipeline, its views in a row.
class Renderer {
 public:
  Renderer(const data::Dataset& dataset, const data::Views& views, uint64_t seed)
      : pipeline_(dataset, views, seed, {}) {
    pixels_.resize(static_cast<size_t>(pipeline_.views() * pipeline_.shape().bytes()));
    batch_.images = pixels_.data();
    batch_.views = pipeline_.views();
    batch_.size = 1;
    batch_.shape = pipeline_.shape();
    batch_.targets.resize(1);
    batch_.ids.resize(1);
  }

  void append(int64_t index, int64_t epoch, report::SheetRow& row) {
    batch_.images = pixels_.data();
    pipeline_.make(index, epoch, 0, batch_, scratch_);
    for (int64_t view = 0; view < batch_.views; ++view) {
      batch_.images = pixels_.data() + view * batch_.shape.bytes();
      row.images.push_back(image_of(batch_));
    }
    batch_.images = pixels_.data();
  }
  int64_t target() const { return batch_.targets[0]; }

 private:
  data::SamplePipeline pipeline_;
  data::SamplePipeline::Scratch scratch_;
  data::HostBatch batch_;
  std::vector<uint8_t> pixels_;
};

}  // namespace

std::string write_contact_sheet(const RunConfig& config,
                                const std::string& views,
                                const std::filesystem::path& path) {
  const Data data = open_data(config);
  const data::Dataset& dataset = *data.train;
  const Columns columns = columns_of(config, data, views);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  Renderer plain(dataset, {data::make_eval_view(config.transforms, dataset.shape())}, seed);
  Renderer shown(dataset, columns.views, seed);

  report::ContactSheet sheet;
  sheet.title = dataset.name() + ", " + views;
  sheet.columns = {"evaluation"};
  for (int64_t epoch = 0; epoch < columns.epochs; ++epoch) {
    for (const data::View& view : columns.views) {
      const std::string number = columns.epochs > 1 ? ", epoch " + std::to_string(epoch) : "";
      sheet.columns.push_back(view.name + number);
    }
  }
  std::string text;
  const int64_t samples = std::min(kSamples, dataset.size());
  for (int64_t i = 0; i < samples; ++i) {
    const int64_t index = i * dataset.size() / samples;
    report::SheetRow row;
    plain.append(index, 0, row);
    for (int64_t epoch = 0; epoch < columns.epochs; ++epoch) shown.append(index, epoch, row);
    const int64_t target = plain.target();
    const std::string label =
        target < 0 ? "no label" : dataset.class_names()[static_cast<size_t>(target)];
    row.label = label + " (" + std::to_string(target) + "), " + dataset.describe(index);
    text += row.label + "\n";
    sheet.rows.push_back(std::move(row));
  }
  report::write_png(path, report::render(sheet));
  return text + "Wrote " + path.string() + "\n";
}

}  // namespace dtrain::run
