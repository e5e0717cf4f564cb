// The folder a run writes into: its name, its files, and how a resumed run finds it again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace dtrain::settings {

// Paths only; nothing is created but by create_run_folder(). docs/run_folder.md describes each
// file.
struct RunFolder {
  std::filesystem::path path;

  std::filesystem::path config() const { return path / "config.json"; }
  std::filesystem::path log() const { return path / "log.txt"; }
  std::filesystem::path rank_log(int64_t rank) const {
    return path / ("rank" + std::to_string(rank) + ".log");
  }
  std::filesystem::path summary() const { return path / "summary.csv"; }
  std::filesystem::path curves() const { return path / "curves.svg"; }
  std::filesystem::path test() const { return path / "test.json"; }
  std::filesystem::path nonfinite() const { return path / "nonfinite"; }
  std::filesystem::path checkpoints() const { return path / "checkpoints"; }
};

// Makes `<output>/<YYYYMMDD-HHMMSS>-<experiment>/checkpoints` (local time; a number is appended
// when the name is taken). Throws Error(kIo) that names the folder when it cannot be made or
// written to.
RunFolder create_run_folder(const std::filesystem::path& output, const std::string& experiment);

// The run folder a checkpoint lies in: `<run>/checkpoints/step-...`; empty when it lies elsewhere.
std::optional<RunFolder> run_folder_of(const std::filesystem::path& checkpoint);

}  // namespace dtrain::settings
