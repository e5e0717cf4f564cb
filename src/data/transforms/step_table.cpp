// The table of steps.
#include "data/transforms/step_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>
#include <tuple>

#include "config/problems.h"
#include "data/transforms/erasing.h"
#include "data/transforms/geometric.h"
#include "data/transforms/step_text.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

using Kind = StepParameter::Kind;
using Values = StepArguments;
using Context = StepContext;
using Part = FramingParameters::Part;

// --- makers, in the order of the rows ------------------------------------------------------------

void frame_random_resized_crop(const Values& values, FramingParameters& framing) {
  framing.part = Part::kRandomArea;
  framing.shape.height = framing.shape.width = values.integer("size");
  std::tie(framing.scale_low, framing.scale_high) = values.range("scale");
  std::tie(framing.ratio_low, framing.ratio_high) = values.range("ratio");
}

void frame_resize(const Values& values, FramingParameters& framing) {
  framing.resize = values.integer("size");
}

void frame_center_crop(const Values& values, FramingParameters& framing) {
  framing.part = Part::kAnchored;
  framing.shape.height = framing.shape.width = values.integer("size");
}

void frame_random_crop(const Values& values, FramingParameters& framing) {
  if (values.integer("padding") > 0 || values.integer("size") == 0) {
    throw config_error("step random_crop",
                       "behind resize it takes a size and no padding",
                       "write random_crop(224), or put it behind center_crop");
  }
  framing.part = Part::kRandomPlace;
  framing.shape.height = framing.shape.width = values.integer("size");
}

StepFunction make_random_crop(const Values& values, const Context& context) {
  const int64_t padding = values.integer("padding"), size = values.integer("size");
  if (size > 0 && (size != context.shape.height || size != context.shape.width)) {
    throw config_error(
        "step random_crop",
        "its size is " + std::to_string(size) + ", its images are " + to_string(context.shape),
        "put resize(n) before it, or leave the size out");
  }
  const bool zero = values.word("mode") == "zero";
  if (!zero && padding >= std::min(context.shape.height, context.shape.width)) {
    throw config_error("step random_crop",
                       "a padding of " + std::to_string(padding) +
                           " cannot be filled by reflecting an image of " +
                           to_string(context.shape),
                       "use a smaller padding, or mode=zero");
  }
  const PaddingMode mode = zero ? PaddingMode::kZero : PaddingMode::kReflect;
  return [padding, mode](Image& image, Image& scratch, util::CounterRng& rng) {
    random_crop(image, scratch, padding, mode, rng);
  };
}

StepFunction make_horizontal_flip(const Values& values, const Context&) {
  return [p = values.number("p")](Image& image, Image&, util::CounterRng& rng) {
    random_flip(image, p, rng);
  };
}

StepFunction make_vertical_flip(const Values& values, const Context&) {
  return [p = values.number("p")](Image& image, Image&, util::CounterRng& rng) {
    if (rng.uniform() < p) flip_vertically(image);
  };
}

// One value, or one per channel joined by '/'; `mean`: of the data set.
std::vector<uint8_t> erased_value(const std::string& text, const Context& context) {
  std::vector<double> levels;
  if (text == "mean") {
    for (double mean : context.normalization.mean) levels.push_back(mean * 255);
  } else {
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, '/');) {
      double level = -1;
      std::from_chars(part.data(), part.data() + part.size(), level);
      levels.push_back(level);
    }
  }
  const auto channels = static_cast<size_t>(context.shape.channels);
  if (levels.size() == 1) levels.resize(channels, levels[0]);
  std::vector<uint8_t> value;
  for (double level : levels) {
    if (!(level >= 0 && level <= 255)) {
      throw config_error("step random_erasing",
                         "value \"" + text + "\" is not mean, random, or levels from 0 to 255",
                         "write one level, or one per channel joined by /");
    }
    value.push_back(static_cast<uint8_t>(std::lround(level)));
  }
  if (value.size() != channels) {
    throw config_error("step random_erasing",
                       "there are " + std::to_string(value.size()) + " values for images of " +
                           std::to_string(channels) + " channels",
                       "give one value, or one per channel");
  }
  return value;
}

StepFunction make_random_erasing(const Values& values, const Context& context) {
  ErasingParameters parameters;
  parameters.probability = values.number("p");
  std::tie(parameters.scale_low, parameters.scale_high) = values.range("scale");
  std::tie(parameters.ratio_low, parameters.ratio_high) = values.range("ratio");
  parameters.value = erased_value(values.word("value"), context);
  return [parameters](Image& image, Image&, util::CounterRng& rng) {
    const auto rectangle = draw_erasing(image.shape, parameters, rng);
    if (rectangle) erase(image, *rectangle, parameters.value);
  };
}

const StepParameter kSize{"size", Kind::kInteger, "", 1, 8192};
const StepParameter kAlways{"p", Kind::kNumber, "1", 0, 1};
const StepParameter kHalf{"p", Kind::kNumber, "0.5", 0, 1};

}  // namespace

const std::vector<StepRow>& step_rows() {
  static const std::vector<StepRow> rows = {
      // The part of a picture: these come first in a list.
      {"random_resized_crop",
       "RandomResizedCrop",
       {kSize,
        {"scale", Kind::kRange, "0.08:1", 0, 1},
        {"ratio", Kind::kRange, "0.75:1.3333333333333333", 1e-3, 1e3}},
       kPartStream,
       nullptr,
       frame_random_resized_crop},
      {"resize", "Resize (the shorter side)", {kSize}, kPartStream, nullptr, frame_resize},
      {"center_crop", "CenterCrop", {kSize}, kPartStream, nullptr, frame_center_crop},
      // Steps on images of one size.
      {"random_crop",
       "RandomCrop: behind resize a part of the picture, else with the size of the images",
       {{"size", Kind::kInteger, "0", 0, 8192},
        {"padding", Kind::kInteger, "0", 0, 1024},
        {"mode", Kind::kWord, "zero", 0, 0, "zero reflect"}},
       kCropStream,
       make_random_crop,
       frame_random_crop},
      {"horizontal_flip", "RandomHorizontalFlip", {kHalf}, kFlipStream, make_horizontal_flip},
      {"vertical_flip", "RandomVerticalFlip", {kHalf}, kVerticalFlipStream, make_vertical_flip},
      {"random_erasing",
       "RandomErasing",
       {kHalf,
        {"scale", Kind::kRange, "0.02:0.33", 0, 1},
        {"ratio", Kind::kRange, "0.3:3.3", 1e-3, 1e3},
        {"value", Kind::kWord, "mean"}},
       kErasingStream,
       make_random_erasing},
  };
  return rows;
}

void StepArguments::set(const StepParameter& parameter,
                        const std::string& value,
                        const std::string& step) {
  const auto refuse = [&](const std::string& expected) {
    throw config_error("step " + step,
                       std::string(parameter.name) + " is \"" + value + "\"",
                       "expected " + expected);
  };
  if (parameter.kind == Kind::kWord) {
    if (parameter.words != nullptr) {
      std::istringstream words(parameter.words);
      bool known = false;
      for (std::string word; words >> word;) known = known || word == value;
      if (!known) refuse(std::string("one of ") + parameter.words);
    }
    words_[parameter.name] = value;
    return;
  }
  const auto number = [&](const std::string& text) {
    double out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    const bool whole = parameter.kind != Kind::kInteger || out == std::floor(out);
    if (error != std::errc() || end != text.data() + text.size() || !whole ||
        !(out >= parameter.low && out <= parameter.high)) {
      std::ostringstream limits;
      limits << (parameter.kind == Kind::kInteger ? "a whole number" : "a number") << " from "
             << parameter.low << " to " << parameter.high;
      refuse(parameter.kind == Kind::kRange ? "low:high, each " + limits.str() : limits.str());
    }
    return out;
  };
  const size_t colon = value.find(':');
  if (parameter.kind == Kind::kRange && colon != std::string::npos) {
    const double low = number(value.substr(0, colon)), high = number(value.substr(colon + 1));
    if (low > high) refuse("low:high with low not above high");
    ranges_[parameter.name] = {low, high};
  } else {
    const double one = number(value);
    ranges_[parameter.name] = {one, one};
  }
}

ResolvedStep resolve_step(const std::string& text) {
  const StepText parsed = parse_step(text);
  ResolvedStep step{.row = nullptr, .values = {}, .text = text};
  std::vector<std::string> names;
  for (const StepRow& row : step_rows()) {
    names.emplace_back(row.name);
    if (row.name == parsed.name) step.row = &row;
  }
  if (step.row == nullptr) {
    throw config_error("step \"" + text + "\"",
                       "there is no step " + parsed.name + config::did_you_mean(parsed.name, names),
                       "docs/data.md lists them");
  }
  const auto& parameters = step.row->parameters;
  std::set<std::string> given;
  names.clear();
  for (const StepParameter& parameter : parameters) names.emplace_back(parameter.name);
  for (size_t i = 0; i < parsed.arguments.size(); ++i) {
    const auto& [key, value] = parsed.arguments[i];
    const auto wanted = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) {
      return key.empty() ? &p == parameters.data() + i : p.name == key;
    });
    if (wanted == parameters.end()) {
      throw config_error("step \"" + text + "\"",
                         key.empty() ? "has more values than the step takes"
                                     : "takes no " + key + config::did_you_mean(key, names),
                         "docs/data.md lists the values of each step");
    }
    if (!given.insert(wanted->name).second) {
      throw config_error("step \"" + text + "\"", key + " is given twice", "remove one of them");
    }
    step.values.set(*wanted, value, step.row->name);
  }
  for (const StepParameter& parameter : parameters) {
    if (given.contains(parameter.name)) continue;
    if (*parameter.fallback == '\0') {
      throw config_error("step \"" + text + "\"",
                         std::string("its ") + parameter.name + " is missing",
                         std::string("write ") + step.row->name + "(" + parameter.name + "=...)");
    }
    step.values.set(parameter, parameter.fallback, step.row->name);
  }
  return step;
}

}  // namespace dtrain::data
