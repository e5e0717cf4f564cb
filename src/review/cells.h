// A table before it is known where it will be shown.
#pragma once

#include <string>
#include <vector>

#include "report/html_page.h"

namespace dtrain::review {

struct Cells {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  size_t body = SIZE_MAX;  // rows behind so many sum up the others
};

std::string text_of(const Cells& cells);
report::HtmlTable html_of(const Cells& cells);  // the rows that sum up stand out

}  // namespace dtrain::review
