// The line that a failure ends with.
#include "cli/failure.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>

namespace dtrain::cli {
namespace {

Error error_of(const auto& exception) { return as_error(std::make_exception_ptr(exception)); }

TEST(ErrorLine, has_subject_rank_places_cause_and_advice) {
  Error error = data_error("train-images.gz", "is cut short", "download it again");
  EXPECT_EQ(
      error_line(error, {1, 2, "node7"}),
      "dtrain: error: train-images.gz (rank 1 of 2, host node7): is cut short; download it again");
  error.add_place("epoch 3");
  error.add_place("step 938");
  EXPECT_EQ(error_line(error, {1, 2, "node7"}),
            "dtrain: error: train-images.gz (rank 1 of 2, host node7, epoch 3, step 938): is cut "
            "short; download it again");
  EXPECT_EQ(error_line(data_error("a", "b", ""), {0, 1, "h"}),
            "dtrain: error: a (rank 0 of 1, host h): b");
}

TEST(ErrorLine, is_always_one_line_without_control_characters) {
  const std::string line = error_line(data_error("a\nb", "c\r\x1b[31md", "e\te"), {0, 1, "h"});
  EXPECT_EQ(line, "dtrain: error: a b (rank 0 of 1, host h): c  [31md; e e");
}

TEST(AsError, keeps_an_error_and_turns_everything_else_into_one) {
  EXPECT_EQ(error_of(io_error("a", "b", "c")).code(), ExitCode::kIo);
  EXPECT_EQ(error_of(std::runtime_error("x")).code(), ExitCode::kGaveUp);
  EXPECT_EQ(error_of(std::runtime_error("x\ny")).cause(), "x");
  EXPECT_EQ(error_of(std::bad_alloc()).subject(), "memory");
  EXPECT_EQ(error_of(42).code(), ExitCode::kGaveUp);
  try {
    at::empty({int64_t{1} << 50});
    FAIL() << "a petabyte of memory";
  } catch (...) {
    EXPECT_EQ(as_error(std::current_exception()).subject(), "memory");
    EXPECT_NE(as_error(std::current_exception()).advice().find("--batch-size"), std::string::npos);
  }
  try {
    TORCH_CHECK(false, "shapes differ");
  } catch (...) {
    EXPECT_EQ(as_error(std::current_exception()).cause(), "shapes differ");
  }
}

}  // namespace
}  // namespace dtrain::cli
