// The SVG: well-formed, complete, small.
#include "render/plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace dtrain::render {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

Panel panel_of(std::vector<Series> series) {
  Panel panel;
  panel.title = "Loss";
  panel.x_label = "epoch";
  panel.y_label = "loss";
  panel.series = std::move(series);
  return panel;
}

// Every opened element is closed, in order; no attribute without quotes. Enough for what render_svg
// makes.
bool is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at + 1)) {
    const size_t end = xml.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = xml.substr(at + 1, end - at - 1);
    if (count(tag, "\"") % 2 != 0 || tag.find('<') != std::string::npos) return false;
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != name) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
  }
  return open.empty();
}

TEST(Plot, HoldsACurveForEachSeriesAndItsNameInTheLegend) {
  std::string svg = render_svg(
      {"run", {panel_of({{"train", {0, 1, 2}, {3, 2, 1}}, {"eval", {0, 1, 2}, {3, 2.5, 2}}})}});
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<polyline"), 2u);
  EXPECT_EQ(count(svg, "<circle"), 6u);
  for (const char* text : {">train<", ">eval<", ">Loss<", ">epoch<", ">loss<", "<title>run<"}) {
    EXPECT_EQ(count(svg, text), 1u) << text;
  }
  EXPECT_NE(svg.find("prefers-color-scheme: dark"), std::string::npos);
}

TEST(Plot, DrawsPointsWhereTheirValuesAre) {
  std::string svg = render_svg({"", {panel_of({{"a", {0, 10}, {0, 1}}})}});
  // The plot is 398 x 250 pixels, its lower left corner at (74, 312).
  EXPECT_NE(svg.find("points=\"74,312 472,62\""), std::string::npos) << svg;
}

TEST(Plot, AGapInterruptsTheLineAndALonelyPointIsMarked) {
  std::vector<double> x(100), y(100, 1);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  y[50] = NAN;
  y[52] = INFINITY;
  std::string svg = render_svg({"", {panel_of({{"a", x, y}})}});
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<polyline"), 3u);
  EXPECT_EQ(count(svg, "<circle"), 1u);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(Plot, OnALogAxisWhatIsNotPositiveIsLeftOut) {
  Panel panel = panel_of({{"a", {0, 1, 2, 3}, {1, 0, 0.01, -1}}});
  panel.log_y = true;
  std::string svg = render_svg({"", {panel}});
  EXPECT_EQ(count(svg, "<circle"), 2u);
  EXPECT_NE(svg.find(">0.01<"), std::string::npos);
}

TEST(Plot, WithoutDataSaysSo) {
  EXPECT_NE(render_svg({"", {panel_of({})}}).find("no data"), std::string::npos);
  EXPECT_NE(render_svg({"", {panel_of({{"a", {1}, {NAN}}})}}).find("no data"), std::string::npos);
  EXPECT_TRUE(is_well_formed(render_svg({})));
}

TEST(Plot, NamesCannotBreakTheFile) {
  std::string svg = render_svg({"<a> & \"b\"\x01", {panel_of({{"</text><x>", {0}, {1}}})}});
  EXPECT_TRUE(is_well_formed(svg)) << svg;
  EXPECT_NE(svg.find("&lt;a&gt; &amp; &quot;b&quot; "), std::string::npos);
}

TEST(Plot, AMillionPointsMakeASmallFileThatKeepsThePeak) {
  std::vector<double> x, y;
  for (int i = 0; i < 1000000; ++i) {
    x.push_back(i);
    y.push_back(i == 777777 ? 100 : i % 7);
  }
  std::string svg = render_svg({"", {panel_of({{"a", x, y}})}});
  EXPECT_LT(svg.size(), 60000u);
  EXPECT_NE(svg.find(",62 "), std::string::npos);  // the top of the plot
}

TEST(Plot, PanelsStandSideBySideInRows) {
  Panel panel = panel_of({{"a", {0, 1}, {0, 1}}});
  std::string svg = render_svg({"", {panel, panel, panel}});
  EXPECT_EQ(count(svg, "<g>"), 3u);
  EXPECT_NE(svg.find("width=\"980\""), std::string::npos);
}

}  // namespace
}  // namespace dtrain::render
