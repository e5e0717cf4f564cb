// Says whether a message has everything its reader needs.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dtrain::testing {

// EXPECT_TRUE(mentions(text, {"train-images", "cut short"}));
inline ::testing::AssertionResult mentions(const std::string& text,
                                           const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    if (text.find(part) == std::string::npos) {
      return ::testing::AssertionFailure() << "no \"" << part << "\" in: " << text;
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace dtrain::testing
