// Many small images on one picture: a row for each sample, with a line of text above it, and a
// column for each way it is shown.
#pragma once

#include <string>
#include <vector>

#include "render/png.h"

namespace dtrain::render {

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

// Images side by side in rows, each with its own lines of text below it.
struct Gallery {
  struct Item {
    Image image;
    std::vector<std::string> lines;
  };
  std::string title;
  std::vector<Item> items;
  int64_t columns = 6;
};

// As the above; lines are cut off where the next column begins.
Image render(const Gallery& gallery);

}  // namespace dtrain::render
