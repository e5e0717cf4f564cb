// One axis of a plot: which values it shows, where its ticks are and what they say.
#pragma once

#include <string>
#include <vector>

namespace dtrain::render {

struct Tick {
  double value = 0;
  std::string label;  // empty: a short line without text
};

struct Axis {
  double low = 0;
  double high = 1;  // above low
  bool log = false;
  std::vector<Tick> ticks;

  // Whether the value can be drawn at all: finite, and positive on a log axis.
  bool shows(double value) const;
  // 0 at low, 1 at high.
  double position(double value) const;
};

struct AxisOptions {
  bool log = false;
  bool tight = false;    // end at the extreme values, not at the ticks around them
  bool integer = false;  // no ticks between whole numbers
  int ticks = 6;         // about how many
};

// An axis over the values that can be shown; 0 to 1 (log: 0.1 to 1) if there are none, and some
// room on both sides if they are all the same.
Axis make_axis(const std::vector<double>& values, const AxisOptions& options);

// "0.25", "10k", "1.5M", "2e-05": as short as neighbouring ticks, `step` apart, allow.
std::string tick_label(double value, double step);

}  // namespace dtrain::render
