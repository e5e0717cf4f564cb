#include "render/heatmap.h"

#include <algorithm>

namespace dtrain::render {
namespace {

constexpr int64_t kMostNamed = 30, kMostCells = 96;
constexpr double kCell = 42, kHeatmapMargin = 14, kHeatmapTitle = 40, kHeatmapLetter = 6.8,
                 kUnnamedSide = 480;
constexpr size_t kLongestName = 22;

// A count as narrow as a cell: "12345", "1.2M".
std::string count_text(int64_t count) {
  if (count < 100'000) return std::to_string(count);
  if (count < 1'000'000) return std::to_string(count / 1000) + "k";
  return std::to_string(count / 1'000'000) + "." + std::to_string(count / 100'000 % 10) + "M";
}

// At most so many characters of UTF-8.
std::string shortened(const std::string& text) {
  size_t letters = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if ((uint8_t(text[at]) & 0xC0U) == 0x80) continue;
    if (++letters > kLongestName) return text.substr(0, at) + "…";
  }
  return text;
}

// (cells, cells) counts, of neighbouring classes together where there are more classes.
std::vector<int64_t> binned(const Heatmap& heatmap, int64_t cells) {
  const auto classes = int64_t(heatmap.names.size());
  std::vector<int64_t> sums(size_t(cells * cells), 0);
  for (int64_t r = 0; r < classes; ++r) {
    for (int64_t c = 0; c < classes; ++c) {
      sums[size_t(r * cells / classes * cells + c * cells / classes)] +=
          heatmap.counts[size_t(r * classes + c)];
    }
  }
  return sums;
}

}  // namespace

Drawing draw(const Heatmap& heatmap) {
  const auto classes = int64_t(heatmap.names.size());
  const bool is_named = classes <= kMostNamed;
  const int64_t cells = std::min(classes, kMostCells);
  double labels = 30;
  if (is_named) {
    size_t longest = 0;
    for (const std::string& name : heatmap.names)
      longest = std::max(longest, shortened(name).size());
    labels += kHeatmapLetter * double(longest);
  }
  const double cell = is_named ? kCell : kUnnamedSide / double(cells);
  const double side = cell * double(cells), left = kHeatmapMargin + labels,
               top = kHeatmapTitle + labels;
  Drawing drawing(left + side + kHeatmapMargin, top + side + kHeatmapMargin, heatmap.title);
  drawing.text({kHeatmapMargin, 26}, heatmap.title, {.is_title = true});
  drawing.text(
      {left + side / 2, kHeatmapTitle + 16}, heatmap.column_label, {Align::kMiddle, Ink::kFaint});
  drawing.text({kHeatmapMargin + 12, top + side / 2},
               heatmap.row_label,
               {.align = Align::kMiddle, .ink = Ink::kFaint, .is_vertical = true});
  const std::vector<int64_t> counts = binned(heatmap, cells);
  for (int64_t r = 0; r < cells; ++r) {
    const auto row = counts.begin() + r * cells;
    int64_t sum = 0;
    for (int64_t c = 0; c < cells; ++c) sum += row[c];
    const double y = top + cell * double(r);
    for (int64_t c = 0; c < cells; ++c) {
      const double x = left + cell * double(c);
      if (row[c] == 0) continue;
      const double share = double(row[c]) / double(sum);
      // Single samples can still be seen.
      drawing.rect({x, y, cell, cell}, Ink::kHeat, 0.08 + 0.92 * share);
      if (!is_named) continue;
      drawing.text({x + cell / 2, y + cell / 2 + 4},
                   count_text(row[c]),
                   {Align::kMiddle, share > 0.45 ? Ink::kOnHeat : Ink::kText});
    }
    if (!is_named) continue;
    const std::string name = shortened(heatmap.names[size_t(r)]);
    drawing.text({left - 8, y + cell / 2 + 4}, name, {.align = Align::kEnd});
    drawing.text({left + cell * (double(r) + 0.5) + 4, top - 8}, name, {.is_vertical = true});
  }
  for (const double at : {0.0, side}) {
    drawing.line({left, top + at}, {left + side, top + at}, Ink::kGrid);
    drawing.line({left + at, top}, {left + at, top + side}, Ink::kGrid);
  }
  return drawing;
}

}  // namespace dtrain::render
