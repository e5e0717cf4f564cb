// From settings to views.
#include "data/transforms/factory.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

constexpr int64_t kUsualSize = 224;

std::vector<double> spread(const char* key, std::vector<double> values, int64_t channels) {
  if (values.size() == 1) values.resize(static_cast<size_t>(channels), values[0]);
  if (static_cast<int64_t>(values.size()) != channels) {
    throw config_error(std::string("transforms.") + key,
                       "there are " + std::to_string(values.size()) + " values for images of " +
                           std::to_string(channels) + " channels",
                       "give one value, or one per channel");
  }
  return values;
}

std::pair<double, double> low_high(const char* key, const std::vector<double>& values) {
  if (values.size() != 2 || values[0] > values[1]) {
    throw config_error(std::string("transforms.") + key,
                       "expected the smallest and the largest value",
                       "write it as [low, high]");
  }
  return {values[0], values[1]};
}

std::string range_text(const char* key, const std::vector<double>& values) {
  const auto [low, high] = low_high(key, values);
  return util::number_text(low) + ":" + util::number_text(high);
}

// A step and the field that asks for it.
struct Wanted {
  std::string key, text;
};
using WantedSteps = std::vector<Wanted>;

// Runs `f`; an error in it gets the field in front.
template <class F>
auto under_key(const std::string& key, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    throw Error(error.code(), key + ", " + error.subject(), error.cause(), error.advice());
  }
}

std::string policy_step(const std::string& name) {
  if (name == "ra") return "rand_augment";
  if (name == "ta_wide") return "trivial_augment_wide";
  if (name == "imagenet" || name == "cifar10" || name == "svhn")
    return "auto_augment(" + name + ")";
  return name;
}

std::string erasing_text(const TransformConfig& config, int64_t channels) {
  std::string value = "mean";
  if (!config.erasing_value.empty()) {
    value = util::joined(spread("erasing_value", config.erasing_value, channels), "/");
  }
  return "random_erasing(" + util::number_text(config.random_erasing) +
         ", scale=" + range_text("erasing_scale", config.erasing_scale) +
         ", ratio=" + range_text("erasing_ratio", config.erasing_ratio) + ", value=" + value + ")";
}

WantedSteps listed(const std::string& key, const std::vector<std::string>& texts) {
  WantedSteps steps;
  for (size_t i = 0; i < texts.size(); ++i) {
    steps.push_back({key + "[" + std::to_string(i) + "]", texts[i]});
  }
  return steps;
}

WantedSteps train_steps(const TransformConfig& config, const ImageShape& shape) {
  if (!config.train.empty()) return listed("transforms.train", config.train);
  WantedSteps steps;
  const int64_t side = image_side(config, shape);
  if (side > 0 && config.random_resized_crop) {
    steps.push_back({"transforms.size",
                     "random_resized_crop(" + std::to_string(side) +
                         ", scale=" + range_text("crop_scale", config.crop_scale) +
                         ", ratio=" + range_text("crop_ratio", config.crop_ratio) + ")"});
  }
  if (config.random_crop_padding > 0) {
    steps.push_back({"transforms.random_crop_padding",
                     "random_crop(padding=" + std::to_string(config.random_crop_padding) +
                         ", mode=" + config.padding_mode + ")"});
  }
  if (config.horizontal_flip > 0) {
    steps.push_back({"transforms.horizontal_flip",
                     "horizontal_flip(" + util::number_text(config.horizontal_flip) + ")"});
  }
  if (!config.auto_augment.empty()) {
    steps.push_back({"transforms.auto_augment", policy_step(config.auto_augment)});
  }
  if (config.random_erasing > 0) {
    steps.push_back({"transforms.random_erasing", erasing_text(config, shape.channels)});
  }
  return steps;
}

// The middle of the picture, which steps that choose a part change.
std::optional<FramingParameters> eval_framing(const TransformConfig& config,
                                              const ImageShape& shape) {
  const int64_t side = image_side(config, shape);
  if (side == 0) return std::nullopt;
  FramingParameters framing;
  framing.shape = {side, side, shape.channels};
  framing.resize = config.eval_resize > 0 ? config.eval_resize : side * 8 / 7;
  framing.exact = config.exact_decoding;
  if (framing.resize < side) {
    throw config_error(
        "transforms.eval_resize",
        "is " + std::to_string(framing.resize) + ", less than the size, " + std::to_string(side),
        "set it to 0 for 8/7 of the size");
  }
  return framing;
}

// Whether `step` chooses the part of the picture; `behind` is the step before it, if there is one.
bool chooses_part(const ResolvedStep& step, const ResolvedStep* behind) {
  if (step.row->frame == nullptr) return false;
  return step.row->make == nullptr ||
         (behind != nullptr && behind->row->name == std::string("resize"));
}

View build_view(const std::string& name,
                const WantedSteps& wanted,
                const TransformConfig& config,
                const Normalization& normalization,
                const ImageShape& shape) {
  View view{.name = name, .framing = eval_framing(config, shape), .steps = {}};
  std::optional<ResolvedStep> behind;
  StepContext context{view.framing ? view.framing->shape : shape, normalization};
  for (const auto& [key, text] : wanted) {
    under_key(key, [&, &text = text] {  // clang 14 captures no structured binding by itself
      const ResolvedStep step = resolve_step(text);
      if (chooses_part(step, behind ? &*behind : nullptr)) {
        if (!view.steps.empty()) {
          throw config_error("step " + std::string(step.row->name),
                             "chooses the part of the picture, behind a step on its pixels",
                             "put it first");
        }
        if (!view.framing) {
          view.framing.emplace();
          view.framing->shape = shape;
          view.framing->exact = config.exact_decoding;
        }
        step.row->frame(step.values, *view.framing);
        context.shape = view.framing->shape;
      } else {
        view.steps.push_back({text, step.row->stream, step.row->make(step.values, context)});
      }
      behind = step;
    });
  }
  if (view.framing && view.framing->part != FramingParameters::Part::kRandomArea &&
      view.framing->resize < view.framing->shape.height) {
    throw config_error("view " + name,
                       "cuts " + std::to_string(view.framing->shape.height) +
                           " pixels out of pictures resized to " +
                           std::to_string(view.framing->resize),
                       "resize to more, or cut out less");
  }
  view.shape = context.shape;
  return view;
}

}  // namespace

Normalization resolve_normalization(const TransformConfig& config,
                                    const std::vector<double>& dataset_mean,
                                    const std::vector<double>& dataset_std,
                                    int64_t channels) {
  return {spread("mean", config.mean.empty() ? dataset_mean : config.mean, channels),
          spread("std", config.std.empty() ? dataset_std : config.std, channels)};
}

int64_t image_side(const TransformConfig& config, const ImageShape& shape) {
  if (config.size > 0) return config.size;
  if (shape.height > 0) return 0;
  return kUsualSize;
}

View make_train_view(const TransformConfig& config,
                     const Normalization& normalization,
                     const ImageShape& shape) {
  return build_view("train", train_steps(config, shape), config, normalization, shape);
}

View make_eval_view(const TransformConfig& config, const ImageShape& shape) {
  View view{.name = "eval", .framing = eval_framing(config, shape), .steps = {}};
  if (view.framing) view.shape = view.framing->shape;
  return view;
}

Views make_weak_strong_views(const TransformConfig& config,
                             const Normalization& normalization,
                             const ImageShape& shape) {
  WantedSteps weak =
      config.weak.empty() ? train_steps(config, shape) : listed("transforms.weak", config.weak);
  WantedSteps strong = listed("transforms.strong", config.strong);
  if (config.strong.empty()) {
    strong = weak;
    strong.push_back({"transforms.strong", "rand_augment(2, 10)"});
  }
  return {build_view("weak", weak, config, normalization, shape),
          build_view("strong", strong, config, normalization, shape)};
}

View make_view(const std::string& name,
               const std::string& key,
               const std::vector<std::string>& steps,
               const TransformConfig& config,
               const Normalization& normalization,
               const ImageShape& shape) {
  return build_view(name, listed(key, steps), config, normalization, shape);
}

void validate(const TransformConfig& config, config::Problems& problems) {
  const auto check_steps = [&](const WantedSteps& steps) {
    for (const auto& [key, text] : steps) {
      try {
        resolve_step(text);
      } catch (const Error& error) {
        problems.add(key, error.subject() + ": " + error.cause() + "; " + error.advice());
      }
    }
  };
  check_steps(listed("transforms.train", config.train));
  check_steps(listed("transforms.weak", config.weak));
  check_steps(listed("transforms.strong", config.strong));
  if (!config.auto_augment.empty()) {
    check_steps({{"transforms.auto_augment", policy_step(config.auto_augment)}});
  }
}

}  // namespace dtrain::data
