// Text inside of XML and HTML.
#include "render/markup.h"

#include <gtest/gtest.h>

#include <utility>

namespace dtrain::render {
namespace {

TEST(Escaped, KeepsTextAndDisarmsMarkup) {
  EXPECT_EQ(escaped("Käse & <b>\"x\"</b>"), "Käse &amp; &lt;b&gt;&quot;x&quot;&lt;/b&gt;");
  EXPECT_EQ(escaped("a\nb\tc\x7F"), "a b c ");
  EXPECT_EQ(escaped("猫🐈"), "猫🐈");
}

TEST(Escaped, ReplacesWhatIsNotUtf8) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("\xFF"), bad);
  EXPECT_EQ(escaped("\xC3"), bad);                      // cut off
  EXPECT_EQ(escaped("\xC0\x80"), bad + bad);            // overlong
  EXPECT_EQ(escaped("\xED\xA0\x80"), bad + bad + bad);  // surrogate
  EXPECT_EQ(escaped("\xF5\x80\x80\x80"), bad + bad + bad + bad);
  EXPECT_EQ(escaped("a\x80z"), "a" + bad + "z");
}

TEST(Base64, IsThatOfTheStandard) {
  for (const auto& [text, code] : {std::pair{"", ""},
                                   {"f", "Zg=="},
                                   {"fo", "Zm8="},
                                   {"foo", "Zm9v"},
                                   {"foob", "Zm9vYg=="},
                                   {"fooba", "Zm9vYmE="},
                                   {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64(text), code);
  }
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

}  // namespace
}  // namespace dtrain::render
