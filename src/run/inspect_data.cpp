#include "run/inspect_data.h"

#include <algorithm>
#include <utility>

#include "data/datasets/recognise.h"
#include "data/transforms/tta.h"
#include "render/contact_sheet.h"
#include "report/sample_renderer.h"
#include "run/components.h"
#include "util/atomic_file.h"

namespace dtrain::run {
namespace {

constexpr int64_t kSamples = 12, kEpochs = 6;

// Views and epochs that a sheet has as columns, behind the one of evaluation.
struct Columns {
  data::Views views;
  int64_t epochs = 1;
};

Columns columns_of(const settings::RunConfig& config, const Data& data, const std::string& name) {
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

}  // namespace

std::string write_contact_sheet(const settings::RunConfig& wanted,
                                const std::string& views,
                                const std::filesystem::path& path) {
  util::expect_writable(path);
  settings::RunConfig config = wanted;
  data::settle(config.data);
  const Data data = open_data(config, /*ranks=*/1);
  const data::Dataset& dataset = *data.train;
  const Columns columns = columns_of(config, data, views);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  report::SampleRenderer plain(
      dataset, {data::make_eval_view(config.transforms, dataset.shape())}, seed);
  report::SampleRenderer shown(dataset, columns.views, seed);

  render::ContactSheet sheet;
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
    render::SheetRow row;
    const auto append = [&](report::SampleRenderer& renderer, int64_t epoch) {
      for (render::Image& image : renderer.render(index, epoch)) {
        row.images.push_back(std::move(image));
      }
    };
    append(plain, 0);
    for (int64_t epoch = 0; epoch < columns.epochs; ++epoch) append(shown, epoch);
    const int64_t target = plain.target();
    const std::string label =
        target < 0 ? "no label" : dataset.class_names()[static_cast<size_t>(target)];
    row.label = label + " (" + std::to_string(target) + "), " + dataset.describe(index);
    text += row.label + "\n";
    sheet.rows.push_back(std::move(row));
  }
  render::write_png(path, render::render(sheet));
  return text + "Wrote " + path.string() + "\n";
}

}  // namespace dtrain::run
