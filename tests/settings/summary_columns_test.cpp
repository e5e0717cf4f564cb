// The columns are a format: other programs, and older files, have these.
#include "settings/summary_columns.h"

#include <gtest/gtest.h>

#include "util/text.h"

namespace dtrain::settings {
namespace {

TEST(SummaryColumns, AreThoseOfTheDocumentationInTheirOrder) {
  EXPECT_EQ(util::joined(summary_columns(), ","),
            "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr,train_top1,train_top5,step,seconds,"
            "images_per_second");
}

TEST(SummaryColumns, AMetricNamesItsOwn) {
  EXPECT_EQ(train_column("macro_f1"), "train_macro_f1");
  EXPECT_EQ(eval_column("recall/3"), "eval_recall/3");
}

}  // namespace
}  // namespace dtrain::settings
