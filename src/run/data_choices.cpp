#include "run/data_choices.h"

#include <algorithm>
#include <utility>

#include "data/datasets/doubts.h"
#include "data/datasets/open_datasets.h"
#include "data/datasets/picture_sizes.h"
#include "data/datasets/subset.h"
#include "models/model_config.h"
#include "optim/optimizer_factory.h"
#include "run/resumed_settings.h"
#include "util/log.h"
#include "util/text.h"

namespace dtrain::run {
namespace {

constexpr int64_t kFewestSteps = 8, kSmallestBatch = 8;  // of an epoch; of all ranks together
constexpr double kMostWarmup = 5, kWarmupPart = 0.1;     // epochs, and a share of them

bool is_left_open(const settings::RunConfig& config, const char* path) {
  const std::string& origin = config::origin_of(config.origins, path);
  return origin == config::kDefaultOrigin || origin == kOfResumedRun ||
         config::is_automatic(origin);
}

void choose_size(settings::RunConfig& config,
                 const data::Dataset& train,
                 const data::ImageShape& before) {
  data::TransformConfig& transforms = config.transforms;
  if (transforms.size > 0 || !transforms.train.empty() || train.shape().height > 0) return;
  if (before.height > 0) {
    return choose(config, "transforms.size", transforms.size, before.height, "as it began");
  }
  const data::ChosenSize chosen = data::choose_size(data::survey_sizes(train));
  choose(config, "transforms.size", transforms.size, chosen.side, chosen.why);
  if (!chosen.keeps_whole) return;
  if (is_left_open(config, "transforms.random_resized_crop")) {
    choose(config,
           "transforms.random_resized_crop",
           transforms.random_resized_crop,
           false,
           chosen.why);
  }
  if (transforms.eval_resize == 0) {
    choose(config, "transforms.eval_resize", transforms.eval_resize, chosen.side, chosen.why);
  }
}

// Batches of the usual size would leave a small data set few steps, or none.
void choose_batch(settings::RunConfig& config, int64_t images, int64_t ranks) {
  data::LoaderConfig& loader = config.loader;
  const std::string& origin = config::origin_of(config.origins, "loader.batch_size");
  if (origin == config::kDefaultOrigin) {
    const int64_t pieces = global_batch_size(config, ranks) / loader.batch_size;
    int64_t batch = loader.batch_size;
    const auto is_too_large = [&] {
      const int64_t all = batch * pieces;
      return all > images || (all > kSmallestBatch && all * kFewestSteps > images);
    };
    while (batch > 1 && is_too_large()) batch /= 2;
    choose(config,
           "loader.batch_size",
           loader.batch_size,
           batch,
           std::to_string(images) + " training images");
  }
  if (loader.eval_batch_size > 0) return;
  choose(config,
         "loader.eval_batch_size",
         loader.eval_batch_size,
         loader.batch_size,
         "loader.batch_size");
}

void choose_rate(settings::RunConfig& config, int64_t ranks) {
  const int64_t batch = global_batch_size(config, ranks);
  if (config.optimizer.lr < 0) {
    choose(config,
           "optimizer.lr",
           config.optimizer.lr,
           optim::usual_rate(config.optimizer.name, batch),
           "for a global batch of " + std::to_string(batch));
  }
  if (config.schedule.warmup_epochs >= 0) return;
  const double cycle =
      static_cast<double>(config.run.epochs) / static_cast<double>(config.schedule.cycles);
  choose(config,
         "schedule.warmup_epochs",
         config.schedule.warmup_epochs,
         std::min(kMostWarmup, kWarmupPart * cycle),
         "a tenth of the training");
}

std::string class_text(const data::Dataset& train) {
  const auto& names = train.class_names();
  const std::vector<int64_t> counts = data::class_sizes(train);
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  const auto named = [&](auto at) {
    return std::to_string(*at) + " (" + names[static_cast<size_t>(at - counts.begin())] + ")";
  };
  std::string text = "Classes: " + std::to_string(names.size());
  if (!names.empty()) text += ", with " + named(least) + " to " + named(most) + " training images";
  return text;
}

std::string split_text(const Data& data) {
  std::string text = "Images: training " + std::to_string(data.train->size()) + ", evaluation " +
                     std::to_string(data.eval->size());
  if (data.unlabeled) text += ", unlabelled " + std::to_string(data.unlabeled->size());
  if (data.test) text += ", test " + std::to_string(data.test->size());
  return text;
}

std::string why_of(const settings::RunConfig& config, const char* path) {
  const std::string& origin = config::origin_of(config.origins, path);
  if (!config::is_automatic(origin)) return "";
  return origin.substr(config::automatic("").find(' '));  // " (why)"
}

std::string evaluation_text(const settings::RunConfig& config) {
  const data::DatasetConfig& data = config.data;
  std::string text = "Evaluates on ";
  if (data.folds > 0) {
    text += "fold " + std::to_string(data.fold) + " of " + std::to_string(data.folds) + " of " +
            data.train_split;
  } else if (data.holdout > 0) {
    text += util::number_text(100 * data.holdout) + " % of " + data.train_split + ", held out" +
            why_of(config, "data.holdout");
  } else {
    text += data.eval_split;
    if (data.eval_split == "test") {
      text += ": the best checkpoint is then chosen on it, and its accuracy there is too high";
    }
  }
  if (data.test_split != "none") text += "; tests once, at the end, on " + data.test_split;
  return text;
}

}  // namespace

void choose_by_data(settings::RunConfig& config,
                    const data::Dataset& train,
                    const data::Normalization& normalization,
                    const data::ImageShape& before,
                    int64_t ranks) {
  choose_size(config, train, before);
  choose_batch(config, train.size(), ranks);
  choose_rate(config, ranks);
  const data::ImageShape shape = train.shape();
  const data::ImageShape input =
      data::shape_of(data::make_train_view(config.transforms, normalization, shape), shape);
  const models::ModelConfig resolved = models::resolve(
      config.model, {input.channels, input.height, input.width, train.num_classes()});
  models::ModelConfig& model = config.model;
  choose(config, "model.in_channels", model.in_channels, resolved.in_channels, "the images'");
  choose(config, "model.num_classes", model.num_classes, resolved.num_classes, "the data set's");
  choose(config,
         "model.stem",
         model.stem,
         resolved.stem,
         "images of " + std::to_string(input.height) + " x " + std::to_string(input.width));
}

void keep_choices(settings::RunConfig& config, const config::Json& meta, int64_t ranks) {
  settings::RunConfig saved =
      settings::parse_effective_config(meta.at("config").dump(), kOfResumedRun);
  const auto keep = [&](const char* path, auto& field, const auto& value) {
    if (is_left_open(config, path)) choose(config, path, field, value, "as it began");
  };
  keep("data.dataset", config.data.dataset, saved.data.dataset);
  keep("data.label_in_name", config.data.label_in_name, saved.data.label_in_name);
  keep("data.eval_split", config.data.eval_split, saved.data.eval_split);
  keep("data.holdout", config.data.holdout, saved.data.holdout);
  keep("transforms.size", config.transforms.size, saved.transforms.size);
  keep("transforms.random_resized_crop",
       config.transforms.random_resized_crop,
       saved.transforms.random_resized_crop);
  keep("transforms.eval_resize", config.transforms.eval_resize, saved.transforms.eval_resize);
  keep("model.stem", config.model.stem, saved.model.stem);
  // It says where the run came from, and starts nothing now.
  const std::string given = config.model.initial_checkpoint;
  config.model.initial_checkpoint = saved.model.initial_checkpoint;
  if (!given.empty() && given != saved.model.initial_checkpoint) {
    util::log().early_warning("model.initial_checkpoint=" + given +
                              " is not used: the run that resumes has its own weights");
  }
  keep("optimizer.lr", config.optimizer.lr, saved.optimizer.lr);
  const int64_t pieces = global_batch_size(config, ranks) / config.loader.batch_size;
  const auto global = meta.at("global_batch_size").get<int64_t>();
  if (global % pieces == 0) keep("loader.batch_size", config.loader.batch_size, global / pieces);
  keep("schedule.warmup_epochs", config.schedule.warmup_epochs, saved.schedule.warmup_epochs);
}

std::vector<std::string> doubts_about(const settings::RunConfig& config, const Data& data) {
  std::vector<std::string> doubts = data::doubts_about_classes(*data.train);
  const bool is_same_split =
      !data::holds_out(config.data) && config.data.eval_split == config.data.train_split;
  const DataIdentity& identity = data.identity;
  const std::string same = data::doubt_about_evaluation(
      identity.train_fingerprint,
      is_same_split ? identity.train_fingerprint : identity.eval_fingerprint);
  if (!same.empty()) doubts.push_back(same);
  return doubts;
}

std::vector<std::string> describe_data(const settings::RunConfig& config,
                                       const data::Settled& settled,
                                       const Data& data) {
  std::vector<std::string> lines;
  std::string found = "Data: " + config.data.dataset;
  if (!config.data.data_dir.empty()) found += " in " + config.data.data_dir;
  if (!settled.reading.empty()) found += ": " + settled.reading;
  if (!settled.other_reading.empty()) found += "; " + settled.other_reading;
  lines.push_back(found);
  lines.push_back(class_text(*data.train));
  lines.push_back(split_text(data));
  const data::ImageShape input = data.identity.input;
  lines.push_back("Input: " + std::to_string(input.height) + " x " + std::to_string(input.width) +
                  " x " + std::to_string(input.channels) + why_of(config, "transforms.size") +
                  ", stem " + config.model.stem);
  lines.push_back(evaluation_text(config));
  return lines;
}

}  // namespace dtrain::run
