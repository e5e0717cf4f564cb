#include "predictions/probability_table.h"

#include <utility>

#include "util/csv.h"
#include "util/text.h"

namespace dtrain::predictions {

ProbabilityTable::ProbabilityTable(const std::filesystem::path& path,
                                   std::vector<std::string> class_names)
    : class_names_(std::move(class_names)), file_(path) {
  std::vector<std::string> header = {"path", "class", "index"};
  for (const std::string& name : class_names_) header.push_back("p_" + name);
  file_.write(util::csv_row(header));
}

void ProbabilityTable::add(const PredictionsIndex& rows, std::span<const double> probabilities) {
  const size_t classes = class_names_.size();
  std::string text;
  for (size_t i = 0; i < rows.ids.size(); ++i) {
    const int64_t predicted = rows.predicted[i];
    std::vector<std::string> cells = {
        rows.paths[i].empty() ? std::to_string(rows.ids[i]) : rows.paths[i],
        class_names_[size_t(predicted)],
        std::to_string(predicted)};
    for (const double one : probabilities.subspan(i * classes, classes)) {
      cells.push_back(util::number(one, "%.6f", "nan"));
    }
    text += util::csv_row(cells);
  }
  file_.write(text);
}

}  // namespace dtrain::predictions
