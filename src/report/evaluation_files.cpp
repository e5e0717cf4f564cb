#include "report/evaluation_files.h"

#include <cmath>
#include <string>

#include "config/json.h"
#include "render/csv_writer.h"
#include "report/numbers.h"
#include "report/pictures.h"
#include "util/atomic_file.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;
using std::string_literals::operator""s;
using config::Json;
using predictions::Evaluation;
using render::CsvCell;

// JSON has no infinity and no NaN.
Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json json_scores(const metrics::ClassScores& scores) {
  return {{"precision", scores.precision}, {"recall", scores.recall}, {"f1", scores.f1}};
}

std::string metrics_json(const Evaluation& evaluation) {
  const predictions::PredictionsHeader& header = evaluation.header;
  const Json root = {{"dataset", header.dataset},
                     {"data_fingerprint", header.data_fingerprint},
                     {"model", header.model},
                     {"model_fingerprint", header.model_fingerprint},
                     {"checkpoint", header.checkpoint},
                     {"method", header.method},
                     {"temperature", header.temperature},
                     {"samples", evaluation.samples},
                     {"labelled", evaluation.labelled},
                     {"top1", json_number(evaluation.top1)},
                     {"top5", json_number(evaluation.top5)},
                     {"nll", json_number(evaluation.nll)},
                     {"brier", json_number(evaluation.brier)},
                     {"ece", json_number(evaluation.ece)},
                     {"adaptive_ece", json_number(evaluation.adaptive_ece)},
                     {"macro", json_scores(evaluation.confusion.macro())},
                     {"weighted", json_scores(evaluation.confusion.weighted())}};
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string per_class_csv(const Evaluation& evaluation) {
  std::vector<std::vector<CsvCell>> rows;
  for (int64_t k = 0; k < evaluation.confusion.classes(); ++k) {
    const metrics::ClassScores scores = evaluation.confusion.of_class(k);
    rows.push_back({evaluation.header.class_names[size_t(k)],
                    scores.precision,
                    scores.recall,
                    scores.f1,
                    scores.support});
  }
  return render::csv_text({"class", "precision", "recall", "f1", "samples"}, rows);
}

std::string confusion_csv(const Evaluation& evaluation) {
  const auto& names = evaluation.header.class_names;
  std::vector<std::string> columns = {"target"};
  columns.insert(columns.end(), names.begin(), names.end());
  std::vector<std::vector<CsvCell>> rows;
  for (int64_t t = 0; t < evaluation.confusion.classes(); ++t) {
    std::vector<CsvCell> row = {names[size_t(t)]};
    for (int64_t p = 0; p < evaluation.confusion.classes(); ++p) {
      row.emplace_back(evaluation.confusion.count(t, p));
    }
    rows.push_back(std::move(row));
  }
  return render::csv_text(columns, rows);
}

std::string hardest_csv(const Evaluation& evaluation) {
  const auto& names = evaluation.header.class_names;
  std::vector<std::vector<CsvCell>> rows;
  for (const predictions::EvaluatedSample& one : evaluation.hardest) {
    rows.push_back({one.id,
                    one.path,
                    class_name(one.target, names, ""),
                    class_name(one.predicted, names, ""),
                    one.probability});
  }
  return render::csv_text({"id", "path", "target", "predicted", "target_probability"}, rows);
}

}  // namespace

void write_evaluation(const fs::path& folder,
                      const Evaluation& evaluation,
                      SamplePictures* pictures) {
  util::make_folders(folder);
  util::write_file_atomic(folder / "metrics.json", metrics_json(evaluation));
  util::write_file_atomic(folder / "per_class.csv", per_class_csv(evaluation));
  util::write_file_atomic(folder / "confusion.csv", confusion_csv(evaluation));
  util::write_file_atomic(folder / "hardest.csv", hardest_csv(evaluation));
  for (const char* ending : {".svg", ".png"}) {
    write_picture(confusion_picture(evaluation), folder / ("confusion"s + ending));
    write_picture(reliability_picture(evaluation), folder / ("reliability"s + ending));
  }
  if (pictures != nullptr) {
    render::write_png(folder / "hardest.png", hardest_sheet(evaluation, *pictures));
  }
}

void write_comparison(const fs::path& folder,
                      const predictions::Comparison& comparison,
                      const std::vector<std::string>& class_names,
                      SamplePictures* pictures,
                      int64_t shown) {
  util::make_folders(folder);
  std::vector<std::vector<CsvCell>> rows;
  for (const predictions::DifferingSample& one : comparison.differing) {
    rows.push_back({one.id,
                    one.path,
                    class_name(one.target, class_names, ""),
                    class_name(one.left, class_names, ""),
                    class_name(one.right, class_names, "")});
  }
  util::write_file_atomic(folder / "differing.csv",
                          render::csv_text({"id", "path", "target", "left", "right"}, rows));
  if (pictures != nullptr) {
    render::write_png(folder / "differing.png",
                      differing_sheet(comparison, class_names, *pictures, shown));
  }
}

}  // namespace dtrain::report
