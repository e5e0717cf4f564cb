// A table before it is known where it will be shown.
#pragma once

#include <string>
#include <vector>

#include "render/html_page.h"

namespace dtrain::report {

struct Cells {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  size_t body = SIZE_MAX;  // rows behind so many sum up the others
};

std::string text_of(const Cells& cells);
render::HtmlTable html_of(const Cells& cells);  // the rows that sum up stand out

}  // namespace dtrain::report
