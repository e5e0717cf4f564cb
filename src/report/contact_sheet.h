// Many small images on one picture: a row for each sample, with a line of text above it, and a
// column for each way it is shown.
#pragma once

#include <string>
#include <vector>

#include "report/png.h"

namespace dtrain::report {

struct SheetRow {
  std::string label;
  std::vector<Image> images;  // of one size each
};

struct ContactSheet {
  std::string title;
  std::vector<std::string> columns;  // their names
  std::vector<SheetRow> rows;
};

// RGB on white. Images smaller than 96 pixels are enlarged by whole numbers, so that each of their
// pixels can be told.
Image render(const ContactSheet& sheet);

}  // namespace dtrain::report
