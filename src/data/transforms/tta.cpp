// The lists of views.
#include "data/transforms/tta.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/problems.h"
#include "data/transforms/step_text.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

// What the makers of lists share.
struct Request {
  const TransformConfig& config;
  const Normalization& normalization;
  const ImageShape& shape;
  std::string name;   // as it was written
  double number = 0;  // in its brackets
  bool given = false;

  View evaluation() const { return make_eval_view(config, shape); }

  View with_step(View view, const std::string& name_of_view, const std::string& step) const {
    StepContext context{shape_of(view, shape), normalization};
    const ResolvedStep resolved = resolve_step(step);
    view.name = name_of_view;
    view.steps.push_back(
        {step, resolved.row->stream, resolved.row->make(resolved.values, context)});
    return view;
  }

  View framed(const std::string& name_of_view) const {
    View view = evaluation();
    if (!view.framing) {
      throw config_error("views " + name,
                         "crops of images that stay as they are, " + to_string(shape),
                         "set transforms.size to less than their side");
    }
    view.name = name_of_view;
    return view;
  }
};

Views identity(const Request& request) {
  View view = request.evaluation();
  view.name = "identity";
  return {view};
}

Views and_flipped(const Request& request, Views views) {
  const size_t count = views.size();
  for (size_t i = 0; i < count; ++i) {
    const std::string name = views[i].name + ", flipped";
    views.push_back(request.with_step(views[i], name, "horizontal_flip(1)"));
  }
  return views;
}

// A picture and its mirror image come one after the other, so that it is decoded once.
Views pairs(Views views) {
  Views out;
  const size_t half = views.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    out.push_back(std::move(views[i]));
    out.push_back(std::move(views[i + half]));
  }
  return out;
}

Views flip(const Request& request) { return pairs(and_flipped(request, identity(request))); }

Views five_crop(const Request& request) {
  struct Place {
    const char* name;
    double x, y;
  };
  Views views;
  for (const Place& place : {Place{"middle", 0.5, 0.5},
                             Place{"top left", 0, 0},
                             Place{"top right", 1, 0},
                             Place{"bottom left", 0, 1},
                             Place{"bottom right", 1, 1}}) {
    View view = request.framed(place.name);
    view.framing->anchor_x = place.x;
    view.framing->anchor_y = place.y;
    views.push_back(std::move(view));
  }
  return views;
}

Views ten_crop(const Request& request) { return pairs(and_flipped(request, five_crop(request))); }

Views scales(const Request& request) {
  Views views;
  for (const double scale : {1.0, 0.875, 1.125}) {
    View view = request.framed("resized to " + std::to_string(scale).substr(0, 5));
    const double resize = std::round(scale * static_cast<double>(view.framing->resize));
    view.framing->resize = std::max(static_cast<int64_t>(resize), view.framing->shape.height);
    views.push_back(std::move(view));
  }
  return views;
}

Views rotations(const Request& request) {
  const double degrees = request.given ? request.number : 10;
  Views views = identity(request);
  for (const double angle : {-degrees, degrees}) {
    std::string text = std::to_string(angle);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    const std::string step = "rotation(" + text + ":" + text + ")";
    views.push_back(request.with_step(request.evaluation(), "rotated by " + text, step));
  }
  return views;
}

Views random(const Request& request) {
  const auto count = static_cast<int64_t>(request.given ? request.number : 8);
  if (count < 1 || count > 1000) {
    throw config_error(
        "views " + request.name, "has no number of views from 1 to 1000", "random(8)");
  }
  Views views;
  for (int64_t i = 0; i < count; ++i) {
    views.push_back(make_train_view(request.config, request.normalization, request.shape));
    views.back().name = "draw " + std::to_string(i);
  }
  return views;
}

struct Row {
  const char* name;
  bool takes_number;
  Views (*make)(const Request& request);
};

constexpr Row kRows[] = {
    {"identity", false, identity},
    {"flip", false, flip},
    {"five_crop", false, five_crop},
    {"ten_crop", false, ten_crop},
    {"scales", false, scales},
    {"rotations", true, rotations},
    {"random", true, random},
};

}  // namespace

const std::vector<std::string>& tta_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Row& row : kRows) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

Views make_tta_views(const std::string& name,
                     const TransformConfig& config,
                     const Normalization& normalization,
                     const ImageShape& shape) {
  const StepText text = parse_step(name);
  Request request{config, normalization, shape, name};
  for (const Row& row : kRows) {
    if (row.name != text.name) continue;
    if (text.arguments.size() > (row.takes_number ? 1 : 0)) {
      throw config_error("views " + name, "has too many values", std::string("write ") + row.name);
    }
    for (const auto& [key, value] : text.arguments) {
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), request.number);
      if (error != std::errc() || end != value.data() + value.size()) {
        throw config_error(
            "views " + name, util::quoted(value) + " is no number", "as in random(8)");
      }
      request.given = true;
    }
    return row.make(request);
  }
  throw config_error(
      "views " + name,
      "there is no list of views " + text.name + config::did_you_mean(text.name, tta_names()),
      "docs/transforms.md lists them");
}

}  // namespace dtrain::data
