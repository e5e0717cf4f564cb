#include "data/datasets/recognise.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "data/datasets/file_label.h"
#include "data/datasets/is_file.h"
#include "data/datasets/split_folders.h"
#include "data/split_names.h"
#include "image/format.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

constexpr double kUsualHoldout = 0.1;
constexpr int kDeepest = 4;  // below a class's folder
constexpr const char* kWithoutFolder = "fashion_mnist";

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

// What lies in a folder, hidden things aside, in the order of names.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!is_hidden(it->path())) entries.push_back(*it);
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.path().native() < b.path().native();
  });
  return entries;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

// Ends at the first image: of a thousand classes with a thousand images each, a thousand entries
// are looked at.
bool has_image_below(const fs::path& folder, int depth = 0) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (is_hidden(it->path())) continue;
    if (is_folder(*it)) {
      folders.push_back(it->path());
    } else if (image::has_image_ending(it->path())) {
      return true;
    }
  }
  return depth < kDeepest && std::any_of(folders.begin(), folders.end(), [&](const auto& one) {
           return has_image_below(one, depth + 1);
         });
}

// The images of a training split, as far as names show.
struct TrainingFolder {
  std::vector<std::string> classes;  // folders with an image
  std::vector<std::string> flat;     // images outside of them
};

TrainingFolder look_at(const fs::path& folder) {
  TrainingFolder found;
  for (const auto& entry : entries_of(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_folder(entry)) {
      if (has_image_below(entry.path())) found.classes.push_back(name);
    } else if (image::has_image_ending(entry.path())) {
      found.flat.push_back(name);
    }
  }
  return found;
}

std::string flat_text(const LabelReading& labels, std::string& other) {
  const bool first = labels.side == LabelSide::kFirst;
  const bool is_doubtful = !first || labels.other_side_fits;
  if (is_doubtful) {
    other = std::string("data.label_in_name=") + (first ? "last" : "first") + " would give " +
            std::to_string(labels.labels_on_other_side) + " classes";
  }
  return std::string("flat images with the class ") + (first ? "first" : "last") +
         " in their names";
}

std::optional<Recognised> as_image_folder(const fs::path& path) {
  SplitFolders folders(path);
  const fs::path training = folders.of("train");
  if (training.empty()) return std::nullopt;
  const TrainingFolder found = look_at(training);
  Recognised recognised{.dataset = "image_folder",
                        .path = path,
                        .label_in_name = kLeftToTheData,
                        .reading = "",
                        .other_reading = ""};
  const bool whole = training == path;  // no folders of splits
  if (!found.classes.empty()) {
    if (whole && found.classes.size() < 2) return std::nullopt;
    recognised.reading = whole ? "one folder per class" : "class folders";
  } else if (!found.flat.empty()) {
    const LabelReading labels = read_labels(found.flat, kLeftToTheData);
    if (found.flat.size() < 2 || labels.classes.size() < 2) return std::nullopt;
    recognised.label_in_name = labels.side == LabelSide::kFirst ? "first" : "last";
    recognised.reading = flat_text(labels, recognised.other_reading);
  } else {
    return std::nullopt;
  }
  if (whole) return recognised;
  std::vector<std::string> splits;
  for (const std::string& split : folders.present()) {
    splits.push_back(folders.of(split).lexically_relative(path).string());
  }
  recognised.reading += " in " + util::joined(splits, ", ");
  return recognised;
}

std::optional<fs::path> only_file_that_ends(const fs::path& folder,
                                            const std::vector<std::string>& endings) {
  std::optional<fs::path> found;
  for (const auto& entry : entries_of(folder)) {
    const std::string ending = entry.path().extension().string();
    if (std::find(endings.begin(), endings.end(), ending) == endings.end()) continue;
    if (found) return std::nullopt;
    found = entry.path();
  }
  return found;
}

std::optional<Recognised> as_csv(const fs::path& path) {
  Recognised csv{.dataset = "csv",
                 .path = path,
                 .label_in_name = kLeftToTheData,
                 .reading = "images that a CSV file lists",
                 .other_reading = ""};
  if (is_file(path)) {
    if (path.extension() != ".csv") return std::nullopt;
    return csv;
  }
  for (const std::string& name : split_names("train")) {
    if (!is_file(path / (name + ".csv"))) continue;
    csv.reading = "images that " + name + ".csv and its fellows list";
    return csv;
  }
  const auto only = only_file_that_ends(path, {".csv"});
  if (!only) return std::nullopt;
  csv.path = *only;
  csv.reading = "images that " + only->filename().string() + " lists";
  return csv;
}

std::optional<Recognised> as_pack(const fs::path& path) {
  const std::vector<std::string> endings = {".h5", ".hdf5", ".pack"};
  const auto file = is_file(path) ? path : only_file_that_ends(path, endings);
  if (!file || std::find(endings.begin(), endings.end(), file->extension()) == endings.end()) {
    return std::nullopt;
  }
  return Recognised{.dataset = "pack",
                    .path = *file,
                    .label_in_name = kLeftToTheData,
                    .reading = "a pack",
                    .other_reading = ""};
}

// Data sets whose files have fixed names.
std::optional<Recognised> as_known_files(const fs::path& path) {
  for (const DatasetRow& row : dataset_rows()) {
    if (row.is_in == nullptr || !row.is_in(row, path)) continue;
    return Recognised{.dataset = row.name,
                      .path = path,
                      .label_in_name = kLeftToTheData,
                      .reading = row.name + "'s files",
                      .other_reading = ""};
  }
  return std::nullopt;
}

std::string force_text(const Recognised& other) {
  return "--dataset " + other.dataset + " --data-dir " + other.path.string() + " would take " +
         other.reading;
}

// The kinds that fit, the likeliest first.
std::optional<Recognised> read_as_any(const fs::path& path) {
  std::optional<Recognised> taken;
  for (const auto read : {as_known_files, as_image_folder, as_csv, as_pack}) {
    std::optional<Recognised> reading = read(path);
    if (!reading) continue;
    if (!taken) {
      taken = std::move(reading);
    } else if (taken->other_reading.empty()) {
      taken->other_reading = force_text(*reading);
    }
  }
  return taken;
}

// "food-11/train" where "food-11" has other splits too.
void expect_no_split(const fs::path& path) {
  const fs::path whole = fs::absolute(path / "").lexically_normal().parent_path();
  const std::string name = whole.filename().string();
  if (!split_called(name) || SplitFolders(whole.parent_path()).present().size() < 2) return;
  const fs::path given = path.lexically_normal();
  const fs::path shown = (given.has_filename() ? given : given.parent_path()).parent_path();
  throw data_error("data.data_dir",
                   "is the " + name + " folder of a data set, " + path.string(),
                   "give its parent: " + (given == "."    ? std::string("..")
                                          : shown.empty() ? std::string(".")
                                                          : shown.string()));
}

// The folder that a training writes is not what it reads.
void expect_no_run(const fs::path& path) {
  if (!is_file(path / "config.json") || !fs::exists(path / "checkpoints")) return;
  throw config_error("data.data_dir",
                     path.string() + " is the folder of a run",
                     "--resume " + path.string() + " resumes it");
}

std::string what_is_in(const fs::path& path) {
  int64_t folders = 0, images = 0, others = 0;
  for (const auto& entry : entries_of(path)) {
    if (is_folder(entry)) {
      ++folders;
    } else {
      ++(image::has_image_ending(entry.path()) ? images : others);
    }
  }
  if (images == 0 && folders == 1) return "it holds one folder, and classes are at least two";
  if (images > 0 && folders == 0) {
    return std::to_string(images) + " images lie flat in it, and their names hold no class";
  }
  return "it holds " + std::to_string(folders) + " folders, " + std::to_string(images) +
         " images and " + std::to_string(others) + " other files";
}

}  // namespace

Recognised recognise(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw data_error("data.data_dir", "there is no " + path.string(), "check the path");
  }
  expect_no_run(path);
  if (fs::is_directory(path, ignored)) expect_no_split(path);
  fs::path place = path;
  for (int depth = 0; depth <= kDeepest; ++depth) {
    if (auto reading = read_as_any(place)) return *std::move(reading);
    // An archive often unpacks to a folder within a folder.
    std::vector<fs::path> folders;
    for (const auto& entry : entries_of(place)) {
      if (is_folder(entry) && has_image_below(entry.path())) folders.push_back(entry.path());
    }
    if (folders.size() != 1 || split_called(folders.front().filename().string())) break;
    place = folders.front();
  }
  throw data_error(
      "data set in " + path.string(),
      fs::is_directory(path, ignored) ? what_is_in(path)
                                      : "the file is neither a CSV file nor a pack",
      "put the images of each class into a folder of its own, or name the kind of data "
      "set by data.dataset (docs/data.md)");
}

Settled settle(DatasetConfig& config) {
  Settled settled;
  const auto choose = [&](const char* path, auto& field, auto value, const std::string& why) {
    if (field == value) return;
    field = value;
    settled.choices.push_back({path, why});
  };
  if (config.dataset == kLeftToTheData && config.data_dir.empty()) {
    if (std::error_code ignored;
        !fs::is_directory(find_dataset(kWithoutFolder).default_dir, ignored)) {
      throw config_error("data.data_dir", "no data set is named", "dtrain FOLDER, or --data-dir");
    }
    choose("data.dataset", config.dataset, std::string(kWithoutFolder), "no data.data_dir");
  }
  if (config.dataset == kLeftToTheData) {
    const Recognised found = recognise(config.data_dir);
    settled.reading = found.reading;
    settled.other_reading = found.other_reading;
    choose("data.dataset", config.dataset, found.dataset, found.reading);
    choose("data.data_dir", config.data_dir, found.path.string(), "what it holds");
    if (config.label_in_name == kLeftToTheData) {
      choose("data.label_in_name", config.label_in_name, found.label_in_name, found.reading);
    }
  }
  const bool may_hold_out = config.holdout < 0;
  config.holdout = std::max(config.holdout, 0.0);
  if (config.eval_split != kLeftToTheData) return settled;
  const bool divided = config.holdout > 0 || config.folds > 0;
  const std::vector<std::string> splits = splits_of(config);
  const bool validates = config.train_split != "validation" &&
                         std::find(splits.begin(), splits.end(), "validation") != splits.end();
  if (!divided && validates) {
    choose("data.eval_split", config.eval_split, std::string("validation"), "it is there");
    return settled;
  }
  if (!divided && !may_hold_out) {
    throw config_error("data.eval_split",
                       "there is no validation split, and data.holdout=0 holds nothing out",
                       "name a split, or leave data.holdout out");
  }
  if (!divided) {
    choose("data.holdout", config.holdout, kUsualHoldout, "there is no validation split");
  }
  choose("data.eval_split", config.eval_split, config.train_split, "a part of it is held out");
  return settled;
}

}  // namespace dtrain::data
