// Which bytes are text, and how others are shown.
#include "util/utf8.h"

#include <gtest/gtest.h>

namespace dtrain::util {
namespace {

TEST(Utf8, TellsTextFromOtherBytes) {
  for (const char* text : {"", "plain", "Brötchen", "日本語", "\U0001F600", "tab\tand line\n"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* bytes : {"Br\xf6tchen",
                            "\xff",
                            "\xc0\xaf",          // overlong
                            "\xed\xa0\x80",      // a surrogate
                            "\xf4\x90\x80\x80",  // above U+10FFFF
                            "\xe6\x97"}) {       // cut short
    EXPECT_FALSE(is_utf8(bytes)) << printable(bytes);
  }
}

TEST(Utf8, PrintableLeavesTextAndEscapesTheRest) {
  EXPECT_EQ(printable("Brötchen 日本 \\ \""), "Brötchen 日本 \\ \"");
  EXPECT_EQ(printable("Br\xf6tchen"), "Br\\xf6tchen");
  EXPECT_EQ(printable("a\x1b[31mred"), "a\\x1b[31mred");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(printable("back\\slash \xff"), "back\\\\slash \\xff");
  EXPECT_EQ(printable("cut \xe6\x97"), "cut \\xe6\\x97");
}

}  // namespace
}  // namespace dtrain::util
