// Predictions of trained networks on a split of a data set, or on pictures.
#include "predict/predict_run.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "data/datasets/mapped_classes.h"
#include "data/datasets/named_pictures.h"
#include "data/datasets/subset.h"
#include "data/loader/device_prefetcher.h"
#include "data/transforms/tta.h"
#include "dist/rendezvous.h"
#include "image/format.h"
#include "nn/conversion.h"
#include "predict/predict_outputs.h"
#include "predict/predict_report.h"
#include "predict/predictor.h"
#include "predict/trained_model.h"
#include "predict/view_merge.h"
#include "predictions/calibration_record.h"
#include "predictions/predictions.h"
#include "run/components.h"
#include "run/machine.h"
#include "run/resolve.h"
#include "settings/open_split.h"
#include "settings/run_folder.h"
#include "train/autocast.h"
#include "util/atomic_file.h"
#include "util/log.h"
#include "util/text.h"

namespace dtrain::predict {
namespace {

namespace fs = std::filesystem;

// Targets are places in the list of classes: with another list they would mean something else, but
// for classes that have names.
std::unique_ptr<data::Dataset> with_classes(std::unique_ptr<data::Dataset> dataset,
                                            const TrainedModel& trained) {
  const auto& found = dataset->class_names();
  if (found == trained.class_names) return dataset;
  if (data::are_named(found) && data::are_named(trained.class_names)) {
    return std::make_unique<data::MappedClasses>(std::move(dataset), trained.class_names);
  }
  const auto [left, right] = std::mismatch(
      found.begin(), found.end(), trained.class_names.begin(), trained.class_names.end());
  const std::string difference = left == found.end() || right == trained.class_names.end()
                                     ? "it has " + std::to_string(found.size()) +
                                           " classes, the network knows " +
                                           std::to_string(trained.class_names.size())
                                     : "its class " + std::to_string(left - found.begin()) +
                                           " is " + *left + ", the network's is " + *right;
  throw config_error(
      "data set " + dataset->name(),
      difference,
      "predict the data that " + trained.checkpoint + " was trained on, or pictures");
}

// Whether `pictures` is one CSV file that lists them.
bool is_csv(const std::vector<std::string>& pictures) {
  if (pictures.size() != 1) return false;
  const std::string ending = fs::path(pictures.front()).extension().string();
  return ending == ".csv" || ending == ".CSV";
}

// Columns are those of the file at hand, not of the one that was trained on.
void forget_columns(data::DatasetConfig& data) {
  const data::DatasetConfig defaults;
  data.csv_path_column = defaults.csv_path_column;
  data.csv_label_column = defaults.csv_label_column;
  data.csv_split_column = defaults.csv_split_column;
}

// All of it, whatever parts the training took of its own data.
void read_csv(const std::string& file, data::DatasetConfig& data) {
  data.dataset = "csv";
  data.data_dir = file;
  data.train_split = "train";
  data.eval_split = "validation";
  data.test_split = "none";
  data.unlabeled = "none";
  data.limit_train = data.limit_eval = data.folds = data.fold = data.labels_per_class = 0;
  data.holdout = 0;
}

// The one that was named, or the only one that there is.
std::string split_of_csv(const PredictRequest& request, const data::DatasetConfig& data) {
  if (request.names_split) return request.config.split;
  const std::vector<std::string> splits = data::splits_of(data);
  if (splits.size() == 1) return splits.front();
  throw usage_error(
      request.pictures.front(),
      splits.empty() ? "it has no rows" : "it has the splits " + util::joined(splits, ", "),
      "name one with --split");
}

// "<run folder>/<checkpoint>": predictions are the same bytes wherever the run's folder lies.
std::string short_name_of(const fs::path& checkpoint) {
  const auto run = settings::run_folder_of(checkpoint);
  const std::string name = checkpoint.filename().string();
  return run ? run->path.filename().string() + "/" + name : name;
}

data::Normalization normalization_of(const settings::RunConfig& config,
                                     const data::Dataset& dataset) {
  const auto [mean, std] = data::statistics_of(data::find_dataset(config.data.dataset), dataset);
  return data::resolve_normalization(config.transforms, mean, std, dataset.shape().channels);
}

// The prediction of one checkpoint.
class PredictRun {
 public:
  // `output` may be empty: no file.
  PredictRun(const PredictRequest& request,
             TrainedModel trained,
             fs::path output,
             const dist::MpiScope& mpi);
  void run();

 private:
  void open_data();
  void make_loader();
  void make_network(std::string* fingerprint);
  at::Tensor forward(const at::Tensor& images);
  predictions::PredictionsHeader header(const std::string& fingerprint) const;
  bool shows_pictures() const { return !request_.pictures.empty() && !is_csv(request_.pictures); }

  const PredictRequest& request_;
  TrainedModel trained_;
  fs::path output_;
  const dist::MpiScope& mpi_;
  c10::Device device_ = at::kCPU;
  train::Precision precision_ = train::Precision::kFloat32;
  std::unique_ptr<data::Dataset> dataset_;
  data::Normalization normalization_;
  data::Views views_;
  std::vector<std::string> view_names_;
  int64_t batch_size_ = 0;
  std::optional<dist::ProcessGroup> group_;
  std::unique_ptr<data::DataLoader> loader_;
  std::shared_ptr<nn::Classifier> model_;
};

PredictRun::PredictRun(const PredictRequest& request,
                       TrainedModel trained,
                       fs::path output,
                       const dist::MpiScope& mpi)
    : request_(request), trained_(std::move(trained)), output_(std::move(output)), mpi_(mpi) {
  const run::Machine machine = run::this_machine(mpi);
  settings::RunConfig& config = trained_.config;
  dist::together(mpi, [&] {
    if (is_csv(request.pictures)) forget_columns(config.data);
    apply(config, request.overrides);
    if (is_csv(request.pictures)) read_csv(request.pictures.front(), config.data);
    config.data.known_classes = trained_.class_names;
    run::resolve(config, machine);
  });
  at::set_num_threads(1);
  device_ = run::training_device(config, machine, mpi);
  precision_ = train::resolve_precision(request.config.precision, device_);
  dist::together(mpi, [&] { open_data(); });
  group_ = dist::rendezvous(mpi, config.dist, device_);
  dist::together(mpi, [&] { make_loader(); });
}

void PredictRun::open_data() {
  settings::RunConfig& config = trained_.config;
  if (shows_pictures()) {
    const int64_t channels = trained_.input.channels > 0 ? trained_.input.channels : 3;
    dataset_ = std::make_unique<data::NamedPictures>(
        request_.pictures, channels, trained_.class_names, config.data.follow_links);
    if (config.transforms.size == 0) config.transforms.size = trained_.input.height;
  } else if (is_csv(request_.pictures)) {
    dataset_ = settings::open_split(config, split_of_csv(request_, config.data));
    if (config.transforms.size == 0) config.transforms.size = trained_.input.height;
  } else {
    dataset_ = with_classes(settings::open_split(config, request_.config.split), trained_);
  }
  dataset_->start_loading();
  normalization_ = normalization_of(config, *dataset_);
  views_ = data::make_tta_views(
      request_.config.views, config.transforms, normalization_, dataset_->shape());
  for (const data::View& view : views_) view_names_.push_back(view.name);
}

void PredictRun::make_loader() {
  const data::LoaderConfig& loader = trained_.config.loader;
  batch_size_ = loader.eval_batch_size > 0 ? loader.eval_batch_size : loader.batch_size;
  loader_ = std::make_unique<data::DataLoader>(
      *dataset_,
      data::Sampler::prediction(
          dataset_->size(), batch_size_, data::Shard{group_->rank(), group_->size()}),
      views_,
      data::LoaderOptions{.workers = loader.workers,
                          .prefetch = loader.prefetch,
                          .seed = static_cast<uint64_t>(trained_.config.run.seed),
                          .max_bytes = loader.memory_mb << 20},
      data::slot_allocator_for(device_));
}

void PredictRun::make_network(std::string* fingerprint) {
  const data::ImageShape input = data::shape_of(views_.front(), dataset_->shape());
  model_ =
      load_network(trained_, input, request_.config.weights, device_, *group_, mpi_, fingerprint);
  nn::set_dtype(*model_, train::weight_dtype(precision_));
  if (request_.config.fold_batch_norm) model_->fold_batch_norm();
}

at::Tensor PredictRun::forward(const at::Tensor& images) {
  const train::AutocastScope autocast(precision_, device_);
  return model_->forward(images);
}

predictions::PredictionsHeader PredictRun::header(const std::string& fingerprint) const {
  predictions::PredictionsHeader header;
  header.dataset = dataset_->name();
  header.data_fingerprint = dataset_->fingerprint();
  header.class_names = trained_.class_names;
  header.model = trained_.config.model.name;
  header.model_fingerprint = fingerprint;
  header.checkpoint = short_name_of(trained_.checkpoint);
  header.views = view_names_;
  header.method = views_.size() == 1
                      ? "logits"
                      : predict::method_of(predict::parse_view_merge(request_.config.merge));
  if (request_.config.calibrated) {
    const predictions::KeptTemperature kept =
        predictions::kept_temperature(trained_.checkpoint, header);
    header.temperature = kept.value;
    if (kept.is_of_these_samples) {
      util::log_info("Temperature: 1, for the one that is kept with " + header.checkpoint +
                     " was fitted on these very samples");
    }
  }
  return header;
}

void PredictRun::run() {
  std::string fingerprint;
  make_network(&fingerprint);
  run::configure_arithmetic(trained_.config);
  data::DevicePrefetcher batches(
      *loader_, normalization_, device_, train::weight_dtype(precision_));
  const dist::ProcessGroup control = group_->control_group();
  const auto views = int64_t(views_.size());
  const int64_t classes = int64_t(trained_.class_names.size());
  predict::Predictor predictor([this](const at::Tensor& images) { return forward(images); },
                               batches,
                               control,
                               dataset_->size(),
                               batch_size_,
                               views,
                               classes);
  std::optional<PredictReport> report;
  dist::together(mpi_, [&] {
    if (group_->rank() != 0) return;
    report.emplace(request_.config, *dataset_, header(fingerprint), output_, shows_pictures());
  });
  predictor.run([&](const predict::PredictedBatch& batch) { report->add(batch); });
  if (report) report->finish();
  control.barrier();
}

// A slip of a few letters must not cost labels, images or the history of a run.
void expect_no_input(const fs::path& output, const PredictRequest& request) {
  std::error_code ignored;
  if (output.empty() || !fs::exists(output, ignored)) return;
  const auto& inputs = request.pictures;
  const bool is_input = std::any_of(inputs.begin(), inputs.end(), [&](const std::string& input) {
    return util::same_path(output, input);
  });
  const settings::RunFolder run{util::parent_folder(output)};
  const std::string name = output.filename().string();
  const bool is_of_run = fs::exists(run.config(), ignored) &&
                         fs::exists(run.checkpoints(), ignored) && !name.starts_with("predictions");
  if (!is_input && !is_of_run && !image::has_image_ending(output)) return;
  throw usage_error(output.string(),
                    is_input    ? "is what is to be predicted, and would be replaced"
                    : is_of_run ? "is a file of that run, and would be replaced"
                                : "is an image, and would be replaced",
                    "choose another name for the output");
}

// Before anything is predicted.
void expect_outputs(const std::vector<fs::path>& outputs, const PredictRequest& request) {
  const PredictConfig& config = request.config;
  for (const fs::path& path : outputs) expect_no_input(path, request);
  for (const std::string& path : {config.csv, config.probabilities}) expect_no_input(path, request);
  for (const fs::path& path : outputs) {
    if (path.empty()) continue;
    util::make_folders(util::parent_folder(path));
    util::expect_writable(path);
  }
  for (const std::string& file : {config.csv, config.probabilities}) {
    if (!file.empty()) util::expect_writable(file);
  }
  if (config.csv.empty() || config.probabilities.empty() ||
      !util::same_path(config.csv, config.probabilities)) {
    return;
  }
  throw usage_error("--probabilities",
                    "names the file of --csv, " + config.csv,
                    "choose another name for one of them");
}

}  // namespace

int64_t expect_predictable(const settings::RunConfig& config,
                           const std::string& split,
                           const std::string& views) {
  const auto dataset = settings::open_split(config, split);
  data::make_tta_views(
      views, config.transforms, normalization_of(config, *dataset), dataset->shape());
  return data::labelled_samples(*dataset);
}

void predict(const PredictRequest& request, const dist::MpiScope& mpi, bool on_terminal) {
  if (mpi.rank() == 0 && on_terminal) util::log().set_terminal(stdout);
  std::vector<TrainedModel> trained;
  std::vector<NamedCheckpoint> checkpoints;
  for (const std::string& checkpoint : request.config.checkpoint) {
    trained.push_back(open_trained_model(checkpoint, mpi));
    checkpoints.push_back({checkpoint, trained.back().checkpoint});
  }
  std::vector<fs::path> outputs(trained.size());
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    const PredictConfig& config = request.config;
    if (request.pictures.empty() || !request.output.empty()) {
      outputs =
          prediction_paths(checkpoints,
                           config.split,
                           request.output,
                           {{"--csv", config.csv}, {"--probabilities", config.probabilities}});
    }
    expect_outputs(outputs, request);
  });
  for (size_t i = 0; i < trained.size(); ++i) {
    PredictRun(request, std::move(trained[i]), outputs[i], mpi).run();
  }
}

}  // namespace dtrain::predict
