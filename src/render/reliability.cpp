#include "render/reliability.h"

#include <algorithm>
#include <cmath>

#include "render/axis.h"

namespace dtrain::render {
namespace {

constexpr double kSide = 260, kCounts = 60, kDiagramLeft = 58, kDiagramRight = 22,
                 kDiagramTitle = 44, kPanelTitle = 24;
constexpr double kBetween = 14, kDiagramBottom = 46;
constexpr double kPanel = kDiagramLeft + kSide + kDiagramRight;

void draw_axes(Drawing& drawing, const Spot& origin) {
  for (int i = 0; i <= 5; ++i) {
    const double share = i / 5.0, at = kSide * share;
    drawing.line({origin.x, origin.y - at}, {origin.x + kSide, origin.y - at}, Ink::kGrid);
    drawing.text(
        {origin.x - 7, origin.y - at + 4}, tick_label(share, 0.2), {Align::kEnd, Ink::kFaint});
    drawing.text({origin.x + at, origin.y + kBetween + kCounts + 18},
                 tick_label(share, 0.2),
                 {Align::kMiddle, Ink::kFaint});
  }
  drawing.text({origin.x + kSide / 2, origin.y + kBetween + kCounts + 36},
               "confidence",
               {.align = Align::kMiddle});
  drawing.text({origin.x - 40, origin.y - kSide / 2},
               "accuracy",
               {.align = Align::kMiddle, .is_vertical = true});
  drawing.text({origin.x - 40, origin.y + kBetween + kCounts / 2},
               "samples",
               {.align = Align::kMiddle, .is_vertical = true});
}

void draw_panel(Drawing& drawing, const ReliabilityPanel& panel, double left) {
  const Spot origin{left + kDiagramLeft, kDiagramTitle + kPanelTitle + kSide};
  drawing.text({origin.x, kDiagramTitle + 12}, panel.title);
  draw_axes(drawing, origin);
  int64_t most = 1;
  for (const auto& bin : panel.bins) most = std::max(most, bin.count);
  const double width = panel.bins.empty() ? 0 : kSide / double(panel.bins.size());
  const double floor = origin.y + kBetween + kCounts;
  for (size_t b = 0; b < panel.bins.size(); ++b) {
    const auto& bin = panel.bins[b];
    if (bin.count == 0) continue;
    const double x = origin.x + width * double(b) + 1;
    const double low = std::min(bin.accuracy, bin.confidence);
    const double high = std::max(bin.accuracy, bin.confidence);
    drawing.rect(
        {x, origin.y - kSide * bin.accuracy, width - 2, kSide * bin.accuracy}, Ink::kFirst, 0.75);
    drawing.rect({x, origin.y - kSide * high, width - 2, kSide * (high - low)}, Ink::kSecond, 0.55);
    const double height = std::max(1.0, kCounts * double(bin.count) / double(most));
    drawing.rect({x, floor - height, width - 2, height}, Ink::kFirst, 0.45);
  }
  drawing.line(origin, {origin.x + kSide, origin.y - kSide}, Ink::kAxis);
  drawing.line(origin, {origin.x + kSide, origin.y}, Ink::kAxis);
  drawing.line({origin.x, floor}, {origin.x + kSide, floor}, Ink::kAxis);
}

}  // namespace

Drawing draw(const std::string& title, const std::vector<ReliabilityPanel>& panels) {
  const double width = kPanel * double(std::max<size_t>(1, panels.size()));
  Drawing drawing(
      width, kDiagramTitle + kPanelTitle + kSide + kBetween + kCounts + kDiagramBottom, title);
  drawing.text({kDiagramLeft, 26}, title, {.is_title = true});
  for (size_t i = 0; i < panels.size(); ++i) draw_panel(drawing, panels[i], kPanel * double(i));
  return drawing;
}

}  // namespace dtrain::render
