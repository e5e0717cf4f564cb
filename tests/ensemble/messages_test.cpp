// What ranks tell each other arrives, whatever an error's cause holds.
#include "ensemble/messages.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace dtrain::ensemble {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

void expect_equal(const std::optional<Error>& arrived, const Error& sent) {
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->code(), sent.code());
  EXPECT_EQ(arrived->subject(), sent.subject());
  EXPECT_EQ(arrived->cause(), sent.cause());
  EXPECT_EQ(arrived->advice(), sent.advice());
}

TEST(Messages, AnErrorOfAnyTextArrives) {
  const std::string awkward[] = {"",
                                 "two\nlines\r\nand a tab\t",
                                 R"("quotes" and \ backslashes {"code": 0})",
                                 "Größe 10 µs",
                                 std::string("a\0b", 3),
                                 std::string(300000, 'x')};
  for (const std::string& text : awkward) {
    const Error error(ExitCode::kDiverged, "subject " + text, text, text + " advice");
    const Outcome outcome = read_outcome(outcome_message({error, true}));
    expect_equal(outcome.failure, error);
    EXPECT_TRUE(outcome.is_own);
    const GroupReport report = read_report(report_message({3, 5, error}));
    expect_equal(report.failure, error);
    EXPECT_EQ(report.group, 3);
    EXPECT_EQ(report.member, 5);
  }
}

TEST(Messages, BytesThatAreNotUtf8AreReplaced) {
  const Error error(ExitCode::kIo, "file \xFF.jpg", "\xC3\x28\nnext", "\xE2\x82");
  const Outcome outcome = read_outcome(outcome_message({error, false}));
  ASSERT_TRUE(outcome.failure);
  EXPECT_FALSE(outcome.is_own);
  EXPECT_EQ(outcome.failure->code(), ExitCode::kIo);
  EXPECT_EQ(outcome.failure->subject(), "file \xEF\xBF\xBD.jpg");
  EXPECT_EQ(outcome.failure->cause(), "\xEF\xBF\xBD(\nnext");
  EXPECT_EQ(outcome.failure->advice(), "\xEF\xBF\xBD");
}

TEST(Messages, PlacesBecomePartOfTheSubject) {
  Error error(ExitCode::kData, "picture a.jpg", "is damaged", "repair it");
  error.add_place("sample 17");
  error.add_place("epoch 3");
  EXPECT_EQ(read_outcome(outcome_message({error, true})).failure->subject(),
            "picture a.jpg, sample 17, epoch 3");
}

TEST(Messages, WhatWentWellHasNoFailure) {
  const Outcome outcome = read_outcome(outcome_message({}));
  EXPECT_FALSE(outcome.failure);
  EXPECT_FALSE(outcome.is_own);
  const GroupReport first = read_report(report_message({.group = 2}));
  EXPECT_EQ(first.group, 2);
  EXPECT_EQ(first.member, std::nullopt);
  EXPECT_FALSE(first.failure);
}

TEST(Messages, LargeNumbersArrive) {
  const GroupReport report = read_report(report_message({kLargest, kLargest, {}}));
  EXPECT_EQ(report.group, kLargest);
  EXPECT_EQ(report.member, kLargest);
  EXPECT_EQ(read_answer(answer_message(kLargest)), kLargest);
  EXPECT_EQ(read_answer(answer_message(0)), 0);
  EXPECT_EQ(read_answer(answer_message({})), std::nullopt);
}

TEST(Messages, WhatIsNoMessageIsAnError) {
  for (const char* text : {"", "-1", "3\n5\n", "{}", "{\"member\": \"x\"}", "[1]"}) {
    for (const auto& read : {+[](const char* one) { read_outcome(one); },
                             +[](const char* one) { read_report(one); },
                             +[](const char* one) { read_answer(one); }}) {
      try {
        read(text);
        ADD_FAILURE() << text;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kGaveUp) << text;
      }
    }
  }
}

}  // namespace
}  // namespace dtrain::ensemble
