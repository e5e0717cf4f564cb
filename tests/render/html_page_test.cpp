// Pages that stand by themselves.
#include "render/html_page.h"

#include <gtest/gtest.h>

#include "tests/support/mentions.h"

namespace dtrain::render {
namespace {

using dtrain::testing::mentions;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(HtmlPage, NeedsNoNetworkAndNoScripts) {
  HtmlPage page("a run", "of a network");
  page.section("One");
  page.figure(std::string("<svg xmlns=\"x\" width=\"300\"></svg>"), "a picture", "words below");
  page.figure(Image{1, 1, 3, {1, 2, 3}}, "a pixel", "");
  const std::string html = page.text();
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  EXPECT_TRUE(mentions(html,
                       {"<meta charset=\"utf-8\">",
                        "width=device-width",
                        "prefers-color-scheme: dark",
                        "alt=\"a picture\"",
                        "min-width:300px",
                        "data:image/svg+xml;base64,PHN2Zy",
                        "data:image/png;base64,iVBORw0KGgo",
                        "<figcaption>words below</figcaption>"}));
  for (const char* none : {"<script", "http://", "https://", "<link", "@import", "url("}) {
    EXPECT_FALSE(contains(html, none)) << none;
  }
}

TEST(HtmlPage, EscapesWhateverItIsGiven) {
  const std::string evil = "<img onerror=\"x\">&\xFF";
  const std::string safe = "&lt;img onerror=&quot;x&quot;&gt;&amp;\xEF\xBF\xBD";
  HtmlPage page(evil, evil);
  page.section(evil);
  page.heading(evil);
  page.paragraph(evil);
  page.warning(evil);
  page.facts({{evil, evil}});
  page.table({.header = {evil}, .rows = {{evil}}, .caption = evil});
  page.details(evil, evil);
  const std::string html = page.text();
  EXPECT_FALSE(contains(html, "<img"));
  size_t found = 0;
  for (size_t at = html.find(safe); at != std::string::npos; at = html.find(safe, at + 1)) ++found;
  EXPECT_EQ(found, 14U);
}

TEST(HtmlPage, LeadsToItsSections) {
  HtmlPage page("a run", "");
  page.section("Result");
  page.section("Settings");
  const std::string html = page.text();
  EXPECT_TRUE(mentions(html,
                       {"<a href=\"#s1\">Result</a>",
                        "<h2 id=\"s1\">Result</h2>",
                        "<a href=\"#s2\">Settings</a>",
                        "<h2 id=\"s2\">Settings</h2>"}));
}

TEST(HtmlPage, AlignsColumnsOfNumbersToTheRight) {
  HtmlPage page("a run", "");
  page.table({.header = {"name", "share", "mixed"},
              .rows = {{"a", "1.5", "2"}, {"b", "-", "two"}, {"all", "+3 %", ""}},
              .emphasised = {2}});
  EXPECT_TRUE(mentions(page.text(),
                       {"<th>name</th><th class=\"number\">share</th><th>mixed</th>",
                        "<td class=\"number\">1.5</td><td>2</td>",
                        "<tr class=\"strong\"><td>all</td><td class=\"number\">+3 %</td>"}));
}

TEST(HtmlPage, KeepsTheLinesOfDetails) {
  HtmlPage page("a run", "");
  page.details("log", "one\n  two <2>\n");
  EXPECT_TRUE(
      mentions(page.text(), {"<details><summary>log</summary><pre>one\n  two &lt;2&gt;\n</pre>"}));
}

}  // namespace
}  // namespace dtrain::render
