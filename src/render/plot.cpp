// Curves as an SVG file.
#include "render/plot.h"

#include <algorithm>
#include <cmath>

#include "render/axis.h"
#include "render/markup.h"
#include "render/svg_style.h"

namespace dtrain::render {
namespace {

// Sizes in pixels.
constexpr double kPanelWidth = 480, kPlotHeight = 250;
constexpr double kPlotLeft = 64, kPlotRight = 18, kPlotTop = 34, kPlotBottom = 46, kLegendRow = 18;
constexpr double kTitleHeight = 36, kPlotMargin = 10;
constexpr double kPlotLetter = 6.6;  // width of a letter of the 12 px font, for placing the legend
constexpr size_t kColors = 6;
constexpr size_t kMaxDots = 40;  // up to here single points are marked

struct Point {
  double x, y;
};

std::string text_at(Point at,
                    const char* style,
                    const char* anchor,
                    const std::string& text,
                    const std::string& extra = "") {
  return "<text class=\"" + std::string(style) + "\" x=\"" + svg_number(at.x) + "\" y=\"" +
         svg_number(at.y) + "\" text-anchor=\"" + anchor + "\"" + extra + ">" + escaped(text) +
         "</text>\n";
}

std::string line_at(const char* style, Point from, Point to) {
  return "<line class=\"" + std::string(style) + "\" x1=\"" + svg_number(from.x) + "\" y1=\"" +
         svg_number(from.y) + "\" x2=\"" + svg_number(to.x) + "\" y2=\"" + svg_number(to.y) +
         "\"/>\n";
}

std::string color_class(size_t index, bool dashed) {
  return "line c" + std::to_string(index % kColors) + (dashed ? " dashed" : "");
}

// --- legend: entries in rows above the plot, so that they never cover a curve
// -----------------------

double entry_width(const Series& series) {
  return 34 + kPlotLetter * static_cast<double>(series.name.size());
}

// Start of each entry; y counts rows.
std::vector<Point> legend_places(const Panel& panel) {
  std::vector<Point> places;
  const double limit = kPanelWidth - kPlotLeft - kPlotRight;
  Point at{0, 0};
  for (const Series& series : panel.series) {
    const double width = entry_width(series);
    if (at.x > 0 && at.x + width > limit) at = {0, at.y + 1};
    places.push_back(at);
    at.x += width;
  }
  return places;
}

double legend_height(const Panel& panel) {
  const std::vector<Point> places = legend_places(panel);
  return places.empty() ? 0 : (places.back().y + 1) * kLegendRow;
}

// --- curves
// ----------------------------------------------------------------------------------------

// The stretches of a series that can be drawn, in pixels.
std::vector<std::vector<Point>> stretches(
    const Series& series, const Axis& x, const Axis& y, Point origin, double width) {
  std::vector<std::vector<Point>> found(1);
  for (size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    if (x.shows(series.x[i]) && y.shows(series.y[i])) {
      found.back().push_back({origin.x + width * x.position(series.x[i]),
                              origin.y - kPlotHeight * y.position(series.y[i])});
    } else if (!found.back().empty()) {
      found.emplace_back();
    }
  }
  if (found.back().empty()) found.pop_back();
  return found;
}

// Of many points in one column of pixels only the first, lowest, highest and last can be seen.
std::vector<Point> thinned(const std::vector<Point>& points) {
  std::vector<Point> kept;
  for (size_t begin = 0; begin < points.size();) {
    size_t end = begin, low = begin, high = begin;
    while (end < points.size() && std::floor(points[end].x) == std::floor(points[begin].x)) {
      if (points[end].y < points[low].y) low = end;
      if (points[end].y > points[high].y) high = end;
      ++end;
    }
    std::vector<size_t> chosen = {begin, low, high, end - 1};
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    for (size_t i : chosen) kept.push_back(points[i]);
    begin = end;
  }
  return kept;
}

std::string curve(const std::vector<Point>& points, size_t color, bool dashed, bool dots) {
  std::string out = "<polyline class=\"" + color_class(color, dashed) + "\" points=\"";
  for (const Point& point : thinned(points))
    out += svg_number(point.x) + "," + svg_number(point.y) + " ";
  out.back() = '"';
  out += "/>\n";
  if (!dots) return out;
  for (const Point& point : points) {
    out += "<circle class=\"c" + std::to_string(color % kColors) + "\" cx=\"" +
           svg_number(point.x) + "\" cy=\"" + svg_number(point.y) + "\" r=\"2.4\"/>\n";
  }
  return out;
}

// --- panel
// -----------------------------------------------------------------------------------------

std::string axes(const Axis& x, const Axis& y, Point origin, double width, const Panel& panel) {
  std::string out;
  for (const Tick& tick : y.ticks) {
    const double at = origin.y - kPlotHeight * y.position(tick.value);
    if (tick.label.empty()) {
      out += line_at("axis", {origin.x, at}, {origin.x + 3, at});
    } else {
      out += line_at("grid", {origin.x, at}, {origin.x + width, at});
      out += text_at({origin.x - 7, at + 4}, "tick", "end", tick.label);
    }
  }
  for (const Tick& tick : x.ticks) {
    const double at = origin.x + width * x.position(tick.value);
    const bool is_labelled = !tick.label.empty();
    out += line_at("axis", {at, origin.y}, {at, origin.y + (is_labelled ? 5 : 3)});
    if (is_labelled) out += text_at({at, origin.y + 18}, "tick", "middle", tick.label);
  }
  out += line_at("axis", origin, {origin.x + width, origin.y});
  out += line_at("axis", origin, {origin.x, origin.y - kPlotHeight});
  out += text_at({origin.x + width / 2, origin.y + 36}, "label", "middle", panel.x_label);
  const Point side{origin.x - 48, origin.y - kPlotHeight / 2};
  out +=
      text_at(side,
              "label",
              "middle",
              panel.y_label,
              " transform=\"rotate(-90 " + svg_number(side.x) + " " + svg_number(side.y) + ")\"");
  return out;
}

std::string legend(const Panel& panel, Point corner) {
  std::string out;
  const std::vector<Point> places = legend_places(panel);
  for (size_t i = 0; i < places.size(); ++i) {
    const Series& series = panel.series[i];
    const Point at{corner.x + places[i].x, corner.y + places[i].y * kLegendRow};
    out += line_at(color_class(i, series.dashed).c_str(), {at.x, at.y - 4}, {at.x + 20, at.y - 4});
    out += text_at({at.x + 25, at.y}, "legend", "start", series.name);
  }
  return out;
}

std::string render_panel(const Panel& panel, Point corner, double legend_height) {
  std::vector<double> all_x, all_y;
  for (const Series& series : panel.series) {
    all_x.insert(all_x.end(), series.x.begin(), series.x.end());
    all_y.insert(all_y.end(), series.y.begin(), series.y.end());
  }
  const Axis x =
      make_axis(all_x, {.log = panel.log_x, .tight = true, .integer = panel.integer_x, .ticks = 7});
  const Axis y = make_axis(all_y, {.log = panel.log_y, .ticks = 6});
  const double width = kPanelWidth - kPlotLeft - kPlotRight;
  const Point origin{corner.x + kPlotLeft, corner.y + kPlotTop + legend_height + kPlotHeight};

  std::string out = "<g>\n" + text_at({origin.x, corner.y + 20}, "panel", "start", panel.title);
  out += legend(panel, {origin.x, corner.y + kPlotTop + 8});
  out += axes(x, y, origin, width, panel);
  bool is_empty = true;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    const Series& series = panel.series[i];
    const bool dots = series.x.size() <= kMaxDots;
    for (const auto& points : stretches(series, x, y, origin, width)) {
      // A single point between gaps would be an invisible line.
      out += curve(points, i, series.dashed, dots || points.size() == 1);
      is_empty = false;
    }
  }
  if (is_empty) {
    out += text_at({origin.x + width / 2, origin.y - kPlotHeight / 2}, "tick", "middle", "no data");
  }
  return out + "</g>\n";
}

}  // namespace

std::string render_svg(const Figure& figure) {
  const size_t columns = std::max<size_t>(
      1, std::min(figure.panels.size(), static_cast<size_t>(std::max(figure.columns, 1))));
  std::string body;
  double top = figure.title.empty() ? kPlotMargin : kTitleHeight;
  for (size_t row = 0; row < figure.panels.size(); row += columns) {
    const size_t end = std::min(row + columns, figure.panels.size());
    double legends = 0;  // of equal height within a row, so that the plots stand level
    for (size_t i = row; i < end; ++i) {
      legends = std::max(legends, legend_height(figure.panels[i]));
    }
    for (size_t i = row; i < end; ++i) {
      const double left = kPlotMargin + static_cast<double>(i - row) * kPanelWidth;
      body += render_panel(figure.panels[i], {left, top}, legends);
    }
    top += kPlotTop + legends + kPlotHeight + kPlotBottom;
  }
  const std::string width =
      svg_number(static_cast<double>(columns) * kPanelWidth + 2 * kPlotMargin);
  const std::string height = svg_number(top + kPlotMargin);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + width +
                    "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height + "\">\n";
  if (!figure.title.empty()) out += "<title>" + escaped(figure.title) + "</title>\n";
  out += kSvgStyle;
  out += "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n";
  if (!figure.title.empty()) {
    out += text_at({kPlotMargin + kPlotLeft, 24}, "title", "start", figure.title);
  }
  return out + body + "</svg>\n";
}

}  // namespace dtrain::render
