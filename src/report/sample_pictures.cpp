#include "report/sample_pictures.h"

#include <algorithm>
#include <utility>

#include "data/transforms/tta.h"
#include "render/contact_sheet.h"
#include "report/numbers.h"
#include "settings/open_split.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::report {
namespace {

std::string identity_of(int64_t id, const std::string& path) {
  return path.empty() ? "sample " + std::to_string(id) : path;
}

}  // namespace

SamplePictures::SamplePictures(const settings::RunConfig& config,
                               std::unique_ptr<data::Dataset> dataset)
    : dataset_(std::move(dataset)),
      renderer_(*dataset_,
                {data::make_eval_view(config.transforms, dataset_->shape())},
                static_cast<uint64_t>(config.run.seed)) {}

std::unique_ptr<SamplePictures> SamplePictures::open(const settings::RunConfig& config,
                                                     const predictions::PredictionsHeader& header) {
  settings::RunConfig known = config;
  known.data.known_classes = header.class_names;  // as the samples were predicted
  auto dataset = settings::find_split(known, header.data_fingerprint);
  if (!dataset) return nullptr;
  return std::unique_ptr<SamplePictures>(new SamplePictures(config, std::move(dataset)));
}

render::Image SamplePictures::at(int64_t row) {
  try {
    return renderer_.render(row).front();
  } catch (const Error&) {
    return {};
  }
}

render::Image hardest_sheet(const predictions::Evaluation& evaluation, SamplePictures& pictures) {
  const auto& names = evaluation.header.class_names;
  render::Gallery gallery{.title = evaluation.header.dataset + ", the least probable targets",
                          .items = {}};
  for (const predictions::EvaluatedSample& one : evaluation.hardest) {
    gallery.items.push_back(
        {pictures.at(one.row),
         {class_name(one.target, names) + " " + util::number(one.probability, "%.2g"),
          "as " + class_name(one.predicted, names),
          identity_of(one.id, one.path)}});
  }
  return render::render(gallery);
}

render::Image differing_sheet(const predictions::Comparison& comparison,
                              const std::vector<std::string>& class_names,
                              SamplePictures& pictures,
                              int64_t shown) {
  render::Gallery gallery{.title = "Samples on which the two differ", .items = {}};
  const auto& all = comparison.differing;
  for (size_t i = 0; i < std::min(size_t(shown), all.size()); ++i) {
    gallery.items.push_back({pictures.at(all[i].row),
                             {class_name(all[i].target, class_names),
                              "left: " + class_name(all[i].left, class_names),
                              "right: " + class_name(all[i].right, class_names),
                              identity_of(all[i].id, all[i].path)}});
  }
  return render::render(gallery);
}

}  // namespace dtrain::report
