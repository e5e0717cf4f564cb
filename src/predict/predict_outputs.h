// Which files predictions are written to.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dtrain::predict {

// A checkpoint that predicts: as a person named it, and its folder.
struct NamedCheckpoint {
  std::string request;
  std::filesystem::path path;
};

// A CSV that is written beside the predictions.
struct CsvTable {
  std::string flag, file;
};

// A file for each checkpoint. One checkpoint writes `output`, several write <run folder>.h5 in the
// folder `output`; without an output it is predictions-<split>.h5 in the run's folder. Where two
// would write the same file, those have the checkpoint's name in their files' names:
// <run folder>-step-00000120.h5. Throws Error(kUsage) that names both where that is no help, as of
// one checkpoint twice, and where one of `tables` is one of the files. Tables without a file are
// passed over.
std::vector<std::filesystem::path> prediction_paths(const std::vector<NamedCheckpoint>& checkpoints,
                                                    const std::string& split,
                                                    const std::string& output,
                                                    const std::vector<CsvTable>& tables = {});

}  // namespace dtrain::predict
