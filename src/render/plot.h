// Curves as an SVG file: readable by itself, on light and on dark ground, without any program but a
// browser.
//
//   Panel loss{.title = "Loss", .x_label = "epoch", .y_label = "loss", .log_y = true};
//   loss.series = {{"train", epochs, train_loss}, {"eval", epochs, eval_loss}};
//   util::write_file_atomic(run / "curves.svg", render_svg({"fashion_mnist", {loss, accuracy}}));
#pragma once

#include <string>
#include <vector>

namespace dtrain::render {

struct Series {
  std::string name;
  std::vector<double> x, y;  // same length; a NaN or infinity interrupts the line
  bool dashed = false;
};

struct Panel {
  std::string title, x_label, y_label;
  bool log_x = false;
  bool log_y = false;      // what is not positive is left out
  bool integer_x = false;  // epochs: no ticks between them
  std::vector<Series> series;
};

struct Figure {
  std::string title;
  std::vector<Panel> panels;
  int columns = 2;
};

// The colours of series follow their order in the panel, so the same series should stand first in
// each. Long series are thinned to what can be seen, without losing peaks.
std::string render_svg(const Figure& figure);

}  // namespace dtrain::render
