// One axis of a plot.
#include "render/axis.h"

#include <algorithm>
#include <cmath>

#include "util/text.h"

namespace dtrain::render {
namespace {

// Beyond this, differences of doubles overflow; nothing worth a curve is that large.
constexpr double kLargest = 1e300;

// 1, 2 or 5 times a power of ten, not below `value`.
double nice_step(double value) {
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

Axis linear_axis(double low, double high, const AxisOptions& options) {
  // Values that differ in their last digits only count as equal: no tick could tell them apart.
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low <= 1e-9 * size) {
    const double room = size == 0 ? 1 : size * 0.1;
    low -= options.integer ? std::max(room, 1.0) : room;
    high += options.integer ? std::max(room, 1.0) : room;
  }
  double step = nice_step((high - low) / std::max(options.ticks, 1));
  if (options.integer) step = std::max(step, 1.0);
  Axis axis{low, high, false, {}};
  if (!options.tight) {
    axis.low = std::floor(low / step + 1e-9) * step;
    axis.high = std::ceil(high / step - 1e-9) * step;
  }
  const auto first = std::ceil(axis.low / step - 1e-9);
  const auto last = std::floor(axis.high / step + 1e-9);
  for (double i = first; i <= last; ++i) {
    const double value = i == 0 ? 0 : i * step;  // no "-0"
    axis.ticks.push_back({value, tick_label(value, step)});
  }
  return axis;
}

Axis log_axis(double low, double high, const AxisOptions& options) {
  double first = std::floor(std::log10(low) + 1e-9);
  double last = std::ceil(std::log10(high) - 1e-9);
  if (first == last) ++last;
  Axis axis{low, high, true, {}};
  const bool is_single = high <= low * (1 + 1e-9);
  // Over less than three decades the ends of whole decades would leave most of the plot empty.
  const bool few = last - first <= 2;
  double bottom = std::pow(10, first), top = std::pow(10, last);
  if (few && !is_single) {
    for (double factor : {2.0, 5.0}) {
      if (factor * std::pow(10, first) <= low * (1 + 1e-9)) bottom = factor * std::pow(10, first);
      if (factor * std::pow(10, last - 1) >= high * (1 - 1e-9)) {
        top = std::min(top, factor * std::pow(10, last - 1));
      }
    }
  }
  if (!options.tight || is_single) {
    axis.low = bottom;
    axis.high = top;
  }
  const double every = std::max(1.0, std::ceil((last - first) / std::max(options.ticks, 1)));
  for (double decade = first; decade <= last; ++decade) {
    for (int factor = 1; factor < 10; ++factor) {
      const double value = factor * std::pow(10, decade);
      if (value < axis.low * (1 - 1e-9) || value > axis.high * (1 + 1e-9)) continue;
      const bool is_labelled =
          factor == 1 ? std::fmod(decade - first, every) == 0 : few && (factor == 2 || factor == 5);
      if (is_labelled || every == 1) {
        axis.ticks.push_back({value, is_labelled ? tick_label(value, value) : ""});
      }
    }
  }
  return axis;
}

}  // namespace

bool Axis::shows(double value) const {
  return std::isfinite(value) && std::abs(value) <= kLargest && (!log || value >= 1 / kLargest);
}

double Axis::position(double value) const {
  if (log) return (std::log(value) - std::log(low)) / (std::log(high) - std::log(low));
  return (value - low) / (high - low);
}

Axis make_axis(const std::vector<double>& values, const AxisOptions& options) {
  Axis probe;
  probe.log = options.log;
  double low = INFINITY, high = -INFINITY;
  for (double value : values) {
    if (!probe.shows(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) {
    low = options.log ? 0.1 : 0;
    high = 1;
  }
  return options.log ? log_axis(low, high, options) : linear_axis(low, high, options);
}

std::string tick_label(double value, double step) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size >= 1e9 || size < 1e-4)
    return util::without_trailing_zeros(util::formatted("%.*g", 3, value));
  if (size >= 1e6)
    return util::without_trailing_zeros(util::formatted("%.*f", 3, value / 1e6)) + "M";
  if (size >= 1e4)
    return util::without_trailing_zeros(util::formatted("%.*f", 3, value / 1e3)) + "k";
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  return util::formatted("%.*f", digits, value);
}

}  // namespace dtrain::render
