// A page of HTML that stands by itself: no network, no scripts, light and dark, narrow and wide,
// on paper too.
//
//   HtmlPage page("fashion_mnist_resnet18", "92.3 % after 10 epochs");
//   page.section("Result");
//   page.facts({{"top-1", "92.31 %"}, {"epochs", "10"}});
//   page.table({.header = {"class", "F1"}, .rows = {{"Bag", "0.99"}}});
//   page.figure(render_svg(curves), "loss and accuracy over epochs", "Curves");
//   util::write_file_atomic(path, page.text());
//
// All text is escaped here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "render/png.h"

namespace dtrain::render {

struct HtmlTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::string caption = {};
  std::vector<size_t> emphasised = {};  // rows that stand out
};

class HtmlPage {
 public:
  HtmlPage(std::string title, std::string subtitle);

  // Begins a section; the contents at the top of the page lead to it.
  void section(const std::string& title);
  void heading(const std::string& title);  // within a section

  void paragraph(const std::string& text);
  void warning(const std::string& text);
  // Cards of a name and a value.
  void facts(const std::vector<std::pair<std::string, std::string>>& facts);
  // Columns of numbers are aligned to the right.
  void table(const HtmlTable& table);
  // An SVG document, or an image as PNG. `alt` says what it shows to those who do not see it.
  void figure(const std::string& svg, const std::string& alt, const std::string& caption);
  void figure(const Image& image, const std::string& alt, const std::string& caption);
  // Opened by a click: preformatted text, or a table.
  void details(const std::string& summary, const std::string& text);
  void details(const std::string& summary, const HtmlTable& table);

  std::string text() const;

 private:
  void embed(std::string_view type,
             std::string_view bytes,
             int64_t width,
             const std::string& alt,
             const std::string& caption);

  std::string title_, subtitle_;
  std::vector<std::string> sections_;
  std::string body_;
};

}  // namespace dtrain::render
