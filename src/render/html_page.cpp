#include "render/html_page.h"

#include <algorithm>
#include <cstdlib>

#include "render/html_style.h"
#include "render/markup.h"

namespace dtrain::render {
namespace {

// Pixels below which a figure is not made smaller: it scrolls instead.
constexpr int64_t kLeastFigure = 560;

std::string element(const std::string& tag, const std::string& text, const char* style = "") {
  const std::string start = *style == 0 ? tag : tag + " class=\"" + style + "\"";
  return "<" + start + ">" + escaped(text) + "</" + tag + ">";
}

// Also with a sign, a unit of percent, or a dash for what is not known.
bool is_number_or_dash(const std::string& cell) {
  if (cell.empty() || cell == "-") return true;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  const std::string rest = end;
  return end != cell.c_str() && (rest.empty() || rest == "%" || rest == " %");
}

// Of the root element; 0 where it says none.
int64_t svg_width(const std::string& svg) {
  const size_t at = svg.find(" width=\"");
  return at == std::string::npos ? 0 : std::atoll(svg.c_str() + at + 8);
}

// Whether all that stands in a column are numbers, one of them at least.
bool is_numeric(const HtmlTable& table, size_t column) {
  bool any = false;
  for (const auto& row : table.rows) {
    const std::string cell = column < row.size() ? row[column] : "";
    if (!is_number_or_dash(cell)) return false;
    any = any || (!cell.empty() && cell != "-");
  }
  return any;
}

std::string table_markup(const HtmlTable& table) {
  size_t columns = table.header.size();
  for (const auto& row : table.rows) columns = std::max(columns, row.size());
  std::vector<const char*> styles;
  for (size_t c = 0; c < columns; ++c) styles.push_back(is_numeric(table, c) ? "number" : "");
  std::string out = "<div class=\"wide\"><table>\n";
  if (!table.caption.empty()) out += element("caption", table.caption) + "\n";
  const auto row_markup = [&](const std::vector<std::string>& cells, const char* tag) {
    std::string row;
    for (size_t c = 0; c < columns; ++c) {
      row += element(tag, c < cells.size() ? cells[c] : "", styles[c]);
    }
    return row + "</tr>\n";
  };
  if (!table.header.empty()) out += "<thead><tr>" + row_markup(table.header, "th") + "</thead>\n";
  out += "<tbody>\n";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const bool is_strong = std::count(table.emphasised.begin(), table.emphasised.end(), r) > 0;
    out += (is_strong ? "<tr class=\"strong\">" : "<tr>") + row_markup(table.rows[r], "td");
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace

HtmlPage::HtmlPage(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void HtmlPage::section(const std::string& title) {
  sections_.push_back(title);
  body_ += "<h2 id=\"s" + std::to_string(sections_.size()) + "\">" + escaped(title) + "</h2>\n";
}

void HtmlPage::heading(const std::string& title) { body_ += element("h3", title) + "\n"; }

void HtmlPage::paragraph(const std::string& text) { body_ += element("p", text) + "\n"; }

void HtmlPage::warning(const std::string& text) { body_ += element("p", text, "warning") + "\n"; }

void HtmlPage::facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  body_ += "<dl>\n";
  for (const auto& [name, value] : facts) {
    body_ += "<div>" + element("dt", name) + element("dd", value) + "</div>\n";
  }
  body_ += "</dl>\n";
}

void HtmlPage::table(const HtmlTable& table) { body_ += table_markup(table); }

void HtmlPage::figure(const std::string& svg, const std::string& alt, const std::string& caption) {
  embed("image/svg+xml", svg, svg_width(svg), alt, caption);
}

void HtmlPage::figure(const Image& image, const std::string& alt, const std::string& caption) {
  embed("image/png", png_bytes(image), image.width, alt, caption);
}

// As an image of its own, so that its styles and names do not meet those of others.
void HtmlPage::embed(std::string_view type,
                     std::string_view bytes,
                     int64_t width,
                     const std::string& alt,
                     const std::string& caption) {
  body_ += "<figure><div class=\"wide\"><img alt=\"" + escaped(alt) +
           "\" style=\"min-width:" + std::to_string(std::min(width, kLeastFigure)) +
           "px\" src=\"data:" + std::string(type) + ";base64," + base64(bytes) + "\"></div>";
  if (!caption.empty()) body_ += element("figcaption", caption);
  body_ += "</figure>\n";
}

void HtmlPage::details(const std::string& summary, const std::string& text) {
  body_ += "<details>" + element("summary", summary) + "<pre>";
  // Line ends count here.
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    body_ += escaped(std::string_view(text).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  body_ += "</pre></details>\n";
}

void HtmlPage::details(const std::string& summary, const HtmlTable& table) {
  body_ += "<details>" + element("summary", summary) + table_markup(table) + "</details>\n";
}

std::string HtmlPage::text() const {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"generator\" content=\"dtrain\">\n";
  out += element("title", title_) + "\n<style>" + kHtmlStyle + "</style>\n</head>\n<body>\n";
  out += "<header>" + element("h1", title_);
  if (!subtitle_.empty()) out += element("p", subtitle_);
  if (sections_.size() > 1) {
    out += "<nav>";
    for (size_t i = 0; i < sections_.size(); ++i) {
      out += "<a href=\"#s" + std::to_string(i + 1) + "\">" + escaped(sections_[i]) + "</a> ";
    }
    out += "</nav>";
  }
  return out + "</header>\n<main>\n" + body_ + "</main>\n</body>\n</html>\n";
}

}  // namespace dtrain::render
