// A run as one page: result, curves, predictions, calibration, settings, log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "config/reader.h"
#include "render/html_page.h"

namespace dtrain::report {

struct PageOptions {
  int64_t hardest = 24;                       // samples on a contact sheet
  std::vector<config::Override> of_run = {};  // where the data are now
};

// Reads the files of the run folder and, for its contact sheets, the data. What is not there yet
// (predictions, a calibration) is said and not an error. Throws Error(kIo) where the folder is no
// run or a file of it cannot be read, Error(kData) for damaged predictions.
render::HtmlPage run_page(const std::filesystem::path& run, const PageOptions& options);

}  // namespace dtrain::report
