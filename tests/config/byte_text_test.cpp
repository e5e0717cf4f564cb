// Names in JSON, kept to the byte.
#include "config/byte_text.h"

#include <gtest/gtest.h>

#include <set>

namespace dtrain::config {
namespace {

TEST(ByteText, Utf8IsWrittenAsItAlwaysWas) {
  for (const char* text : {"", "cat", "Brötchen", "bytes", "{\"bytes\": \"00\"}", "\x01"}) {
    EXPECT_EQ(byte_text(text), Json(text));
    EXPECT_EQ(bytes_of(byte_text(text)), text);
  }
}

TEST(ByteText, AnyBytesComeBackAndDifferentOnesDiffer) {
  std::set<std::string> written;
  int64_t count = 0;
  const auto expect_same = [&](const std::string& bytes) {
    const std::string text = byte_text(bytes).dump();  // throws for what is no UTF-8
    EXPECT_EQ(bytes_of(Json::parse(text)), bytes);
    written.insert(text);
    ++count;
  };
  for (int a = 0; a < 256; ++a) {
    expect_same(std::string(1, static_cast<char>(a)));
    for (int b = 0; b < 256; ++b) {
      expect_same({static_cast<char>(a), static_cast<char>(b)});
    }
  }
  EXPECT_EQ(static_cast<int64_t>(written.size()), count);
}

TEST(ByteText, OtherJsonIsRefused) {
  for (const char* text : {"1",
                           "null",
                           "[]",
                           "{}",
                           R"({"bytes": 1})",
                           R"({"bytes": "0"})",
                           R"({"bytes": "0G"})",
                           R"({"bytes": "00", "more": 1})"}) {
    EXPECT_FALSE(is_byte_text(Json::parse(text))) << text;
    EXPECT_THROW(bytes_of(Json::parse(text)), Error) << text;
  }
}

}  // namespace
}  // namespace dtrain::config
