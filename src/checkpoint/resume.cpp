// Which checkpoint a run continues from.
#include "checkpoint/resume.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "util/atomic_file.h"
#include "util/check.h"
#include "util/folder_link.h"
#include "util/log.h"
#include "util/text.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kAtWork{60};  // two renames take no longer
constexpr char kCheckpoints[] = "checkpoints";

// "20250131-235959-"
bool starts_with_time(const std::string& name) {
  static constexpr std::string_view kPattern = "dddddddd-dddddd-";
  if (name.size() < kPattern.size()) return false;
  for (size_t i = 0; i < kPattern.size(); ++i) {
    const bool is_digit = name[i] >= '0' && name[i] <= '9';
    if (kPattern[i] == 'd' ? !is_digit : name[i] != kPattern[i]) return false;
  }
  return true;
}

// "2" of "...-exp-2".
bool is_copy_number(const std::string& text) { return text.size() < 10 && util::is_digits(text); }

using RunOrder = std::pair<std::string, int64_t>;

// Of a run of any experiment: by time, then by the number of a run of the same second and name.
// Folders that were renamed come first, that is, are the oldest.
RunOrder order_of_any(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!starts_with_time(name)) return {"", 0};
  const size_t dash = name.rfind('-');
  const std::string copy = name.substr(dash + 1);
  std::error_code error;
  const bool is_copy =
      is_copy_number(copy) && fs::exists(path.parent_path() / name.substr(0, dash), error);
  return {name.substr(0, 15), is_copy ? std::stoll(copy) : 1};
}

// Orders the runs of an experiment: by time, then by the number that runs of the same second carry
// ("...-exp", "...-exp-2"). Nothing when the name is of another experiment.
std::optional<RunOrder> run_order(const fs::path& path, const std::string& experiment) {
  const std::string name = path.filename().string();
  std::error_code ignored;
  if (experiment.empty()) {
    if (!fs::is_directory(path / kCheckpoints, ignored)) return std::nullopt;
    return order_of_any(path);
  }
  if (!starts_with_time(name)) return std::nullopt;
  const std::string time = name.substr(0, 15);
  const std::string rest = name.substr(16);
  if (rest == experiment) return std::pair(time, int64_t{1});
  if (rest.rfind(experiment + "-", 0) != 0) return std::nullopt;
  const std::string copy = rest.substr(experiment.size() + 1);
  // Otherwise "exp-2" is an experiment of that name.
  std::error_code error;
  if (!is_copy_number(copy) || !fs::exists(path.parent_path() / (time + "-" + experiment), error)) {
    return std::nullopt;
  }
  return std::pair(time, std::stoll(copy));
}

std::vector<fs::path> runs_newest_first(const fs::path& output, const std::string& experiment) {
  std::vector<std::pair<RunOrder, fs::path>> found;
  std::error_code error;
  fs::directory_iterator at(output, error), end;
  if (error == std::errc::no_such_file_or_directory) return {};
  for (; !error && at != end; at.increment(error)) {
    auto order = run_order(at->path(), experiment);
    if (order) found.emplace_back(*order, at->path());
  }
  if (error) throw util::file_error("cannot read folder", output, error.value());
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> runs;
  for (auto& [order, path] : found) runs.push_back(std::move(path));
  return runs;
}

// What to try, in order: what `last` names, then the older ones. Newer ones than `last` belong to a
// branch the run has left, or were never finished; they count only if `last` says nothing.
std::vector<fs::path> candidates_in(const fs::path& folder) {
  std::vector<fs::path> all = list_checkpoints(folder);
  const fs::path last = fs::path(util::pointed_name(folder / "last")).filename();
  auto named = std::find_if(
      all.begin(), all.end(), [&](const fs::path& path) { return path.filename() == last; });
  if (named != all.end()) all.erase(all.begin(), named);
  return all;
}

ResumePoint newest_sound(const fs::path& folder, std::vector<std::string> warnings) {
  std::string first_problem;
  for (const fs::path& path : candidates_in(folder)) {
    try {
      Manifest manifest = verify_checkpoint(path);
      return {path, std::move(manifest), std::move(warnings)};
    } catch (const Error& error) {
      if (first_problem.empty()) first_problem = error.subject() + ": " + error.cause();
      warnings.push_back("passing over the checkpoint " + path.string() + ": " + error.subject() +
                         ": " + error.cause());
    }
  }
  throw io_error("cannot resume from " + folder.string(),
                 first_problem.empty()
                     ? "it holds no checkpoint"
                     : "every checkpoint is damaged, the newest: " + first_problem,
                 "start anew without --resume, or name another checkpoint");
}

// A kill while its only checkpoint was being replaced leaves a run with one that has no name, where
// folders cannot be exchanged: it gets its name back, unless that is so fresh that a process may be
// at it.
bool has_checkpoints(const fs::path& folder) {
  if (!list_checkpoints(folder).empty()) return true;
  give_names_back(folder, kAtWork);
  return !list_checkpoints(folder).empty();
}

struct FoundRun {
  fs::path folder;  // empty: there is none
  std::vector<std::string> warnings;
};

// The one rule for "auto", "best" and "last": the newest run that has a checkpoint.
FoundRun newest_run(const fs::path& output, const std::string& experiment) {
  FoundRun found;
  for (const fs::path& run : runs_newest_first(output, experiment)) {
    if (has_checkpoints(run / kCheckpoints)) {
      found.folder = run;
      break;
    }
    found.warnings.push_back("passing over the run " + run.string() + ": it holds no checkpoint");
  }
  return found;
}

bool is_word(const std::string& request) {
  std::error_code ignored;
  return (request == "best" || request == "last") && !fs::exists(request, ignored);
}

Error no_run(const std::string& request, const fs::path& output) {
  return io_error("checkpoint " + request,
                  "no run in " + output.string() + " has one",
                  "name a checkpoint or a run folder, or the folder of the runs with --output");
}

}  // namespace

std::optional<ResumePoint> resolve_resume(const std::string& request,
                                          const fs::path& output,
                                          const std::string& experiment) {
  if (request.empty()) return std::nullopt;
  if (request == "auto" || is_word(request)) {
    FoundRun found = newest_run(output, request == "auto" ? experiment : "");
    if (found.folder.empty()) {
      if (request == "auto") return std::nullopt;
      throw no_run(request, output);
    }
    const fs::path best = util::followed(found.folder / kCheckpoints / "best");
    std::error_code ignored;
    if (request != "best" || !fs::is_directory(best, ignored)) {
      return newest_sound(found.folder / kCheckpoints, std::move(found.warnings));
    }
    Manifest manifest = verify_checkpoint(best);
    return ResumePoint{best, std::move(manifest), std::move(found.warnings)};
  }
  const fs::path path = request;
  std::error_code error;
  if (has_checkpoints(path / kCheckpoints)) return newest_sound(path / kCheckpoints, {});
  if (has_checkpoints(path)) return newest_sound(path, {});
  if (fs::is_directory(path / kCheckpoints, error)) return newest_sound(path / kCheckpoints, {});
  Manifest manifest = verify_checkpoint(path);
  return ResumePoint{util::followed(path), std::move(manifest), {}};
}

fs::path find_checkpoint(const std::string& request, const fs::path& output) {
  const auto missing = [&](const std::string& cause) {
    return io_error("checkpoint " + request,
                    cause,
                    "name a checkpoint or a run folder, or best or last of the newest run in " +
                        output.string());
  };
  std::error_code ignored;
  fs::path path = request;
  std::vector<std::string> names = {"checkpoints/best", "checkpoints/last", "best", "last"};
  if (is_word(request)) {
    const FoundRun found = newest_run(output, "");
    for (const std::string& warning : found.warnings) util::log_warning(warning);
    if (found.folder.empty()) throw no_run(request, output);
    path = found.folder;
    if (request == "last") names = {"checkpoints/last"};
  }
  path = util::followed(path);
  if (!fs::is_directory(path, ignored)) throw missing("there is no such folder");
  if (fs::exists(path / "manifest.json", ignored)) return fs::canonical(path);
  for (const std::string& name : names) {
    const fs::path checkpoint = util::followed(path / name);
    if (fs::exists(checkpoint / "manifest.json", ignored)) return checkpoint;
  }
  throw missing("the folder holds no checkpoint");
}

}  // namespace dtrain::checkpoint
