#include "run/run_start.h"

#include <string>

#include "checkpoint/checkpoint_folder.h"
#include "util/atomic_file.h"
#include "util/folder_trial.h"
#include "util/log.h"

namespace dtrain::run {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDoing = "training in";

// The folder that is gone on in is locked before it is looked at: what another process writes there
// later must not be overlooked.
std::optional<checkpoint::ResumePoint> find_resume_point(const settings::RunConfig& config,
                                                         const fs::path& folder,
                                                         std::optional<util::FolderLock>& lock) {
  if (!folder.empty()) {
    util::make_folders(folder / "checkpoints");
    lock.emplace(folder, kDoing);
    checkpoint::give_names_back(folder / "checkpoints");
    if (checkpoint::list_checkpoints(folder / "checkpoints").empty()) return std::nullopt;
    return checkpoint::resolve_resume(folder.string(), config.run.output, config.run.experiment);
  }
  const auto& request = config.run.resume;
  auto point = checkpoint::resolve_resume(request, config.run.output, config.run.experiment);
  const auto run = point ? settings::run_folder_of(point->checkpoint) : std::nullopt;
  if (!run) return point;
  lock.emplace(run->path, kDoing);
  checkpoint::give_names_back(run->checkpoints());
  std::string found = request;
  if (request == "auto" || request == "last") found = run->path.string();
  if (request == "best") found = point->checkpoint.string();
  auto locked = checkpoint::resolve_resume(found, config.run.output, config.run.experiment);
  // Of the runs that were passed over; what is wrong in this one is said again.
  for (const auto& warning : point->warnings) {
    if (found != request && warning.starts_with("passing over the run")) {
      locked->warnings.push_back(warning);
    }
  }
  return locked;
}

// A folder that cannot even hold its configuration is not left behind.
void write_config(const settings::RunFolder& folder, const std::string& text) {
  const bool is_new = !std::filesystem::exists(folder.config());
  try {
    util::write_file_atomic(folder.config(), text);
  } catch (...) {
    std::error_code ignored;
    if (is_new) std::filesystem::remove_all(folder.path, ignored);
    throw;
  }
}

}  // namespace

Start find_start(const settings::RunConfig& config,
                 const fs::path& folder,
                 const dist::MpiScope& mpi,
                 std::optional<util::FolderLock>& lock) {
  Start start;
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    const auto point = find_resume_point(config, folder, lock);
    if (!point) return;
    start.checkpoint = point->checkpoint.string();
    start.step = point->manifest.position.step;
    start.meta = point->manifest.meta;
    for (const auto& warning : point->warnings) util::log_warning(warning);
  });
  start.checkpoint = mpi.broadcast(start.checkpoint);
  if (start.checkpoint.empty()) return start;
  start.meta = config::Json::parse(mpi.broadcast(start.meta.dump()));
  start.step = std::stoll(mpi.broadcast(std::to_string(start.step)));
  return start;
}

settings::RunFolder open_run_folder(const settings::RunConfig& config,
                                    const fs::path& wanted,
                                    const Start& start,
                                    const dist::MpiScope& mpi,
                                    std::optional<util::FolderLock>& lock) {
  std::string path, missing;
  dist::together(mpi, [&] {
    if (mpi.rank() != 0) return;
    std::optional<settings::RunFolder> folder;
    if (!start.checkpoint.empty()) folder = settings::run_folder_of(start.checkpoint);
    if (!wanted.empty()) folder = settings::RunFolder{wanted};
    if (!folder) folder = settings::create_run_folder(config.run.output, config.run.experiment);
    if (!lock) lock.emplace(folder->path, kDoing);
    settings::RunConfig written = config;
    written.run.resume.clear();  // the file starts the same run again, also after a resume
    written.origins.erase("run.resume");
    write_config(*folder, settings::effective_config(written));
    missing = util::missing_abilities(util::try_folder(folder->path));
    path = folder->path.string();
  });
  const settings::RunFolder folder{mpi.broadcast(path)};
  dist::together(mpi, [&] {
    if (mpi.rank() == 0) util::log().add_file(folder.log(), util::Level::kInfo);
    util::log().add_file(folder.rank_log(mpi.rank()), util::Level::kDebug);
  });
  if (!missing.empty()) {
    util::log_info("The file system of " + folder.path.string() + " has " + missing +
                   ": files take their place");
  }
  return folder;
}

}  // namespace dtrain::run
