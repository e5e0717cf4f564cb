// Checkpoints as folders on disk; what is in their files is checkpoint.h's business.
//
//   checkpoints/
//     step-00000938/                 one checkpoint, complete from the moment it has this name
//       model.safetensors            the weights
//       state.safetensors            what else a resumed training needs
//       manifest.json                version, position, size and checksum of each file, meta
//     last -> step-00000938          relative links, replaced atomically
//     best -> step-00000469
//
// docs/checkpoint_format.md is the page on this format. A writer that dies leaves `.tmp-*` behind,
// which the next one removes; a failed write leaves nothing and changes no older checkpoint.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_config.h"
#include "config/json.h"

namespace dtrain::checkpoint {

inline constexpr int64_t kCheckpointVersion = 1;

// Where a training stood: `batch` steps of epoch `epoch` (from 0) were done, `step` updates in all.
struct Position {
  int64_t step = 0;
  int64_t epoch = 0;
  int64_t batch = 0;
};

struct FileRecord {
  std::string name;  // in the checkpoint's folder
  int64_t size = 0;
  std::string hash;  // XXH3-128, hex
};

struct Manifest {
  int64_t version = kCheckpointVersion;
  Position position;
  std::vector<FileRecord> files;
  config::Json meta;  // of the caller: metrics, class names, effective config, fingerprints
};

std::string checkpoint_name(int64_t step);  // "step-00000938"

// Reads manifest.json and checks what can be checked without reading the other files: its own
// checksum, format and version, that each file is there, is a regular file (no link) and has its
// size. `checkpoint` may be a link such as `last`, or a file in place of one (util/folder_link.h).
// Error(kIo) names the file and what is wrong with it.
Manifest read_manifest(const std::filesystem::path& checkpoint);

// read_manifest() and the checksum of every file.
Manifest verify_checkpoint(const std::filesystem::path& checkpoint);

// The checkpoints of one run; one process at a time writes to it.
//   CheckpointStore store(run / "checkpoints", config);
//   store.save(position, meta, /*is_best=*/true, [&](const fs::path& folder) { ...; return records;
//   });
class CheckpointStore {
 public:
  // Makes the folder if there is none and removes what a killed writer left.
  CheckpointStore(std::filesystem::path folder, const CheckpointConfig& config);

  struct Saved {
    std::filesystem::path path;
    std::vector<std::string> warnings;  // old checkpoints that could not be removed
  };
  // `write_files` writes the files into a temporary folder and tells their sizes and checksums.
  // Then, in this order: manifest, fsync, rename to step-%08d (replacing one of the same step),
  // `best` if is_best, `last`, and the old ones go. Kept are the newest keep_last and best;
  // checkpoints of later steps, left by a run that was taken back to an earlier one, go too. On any
  // failure the temporary is removed and the exception passes through; what was there before stays.
  Saved save(
      const Position& position,
      const config::Json& meta,
      bool is_best,
      const std::function<std::vector<FileRecord>(const std::filesystem::path&)>& write_files);

  const std::filesystem::path& folder() const { return folder_; }
  const CheckpointConfig& config() const { return config_; }

 private:
  bool is_kept_for_ever(const std::filesystem::path& checkpoint) const;
  void remove_old(int64_t newest_step, std::vector<std::string>& warnings) const;

  std::filesystem::path folder_;
  CheckpointConfig config_;
};

// Where a file system cannot exchange two folders, a kill at the wrong moment leaves a checkpoint
// under a temporary name; this gives it its own again. Only for who may write to the folder.
void give_names_back(const std::filesystem::path& folder,
                     std::chrono::seconds at_work = std::chrono::seconds(0));

// The checkpoints in a folder, by step, the newest first; damaged ones too.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder);

}  // namespace dtrain::checkpoint
