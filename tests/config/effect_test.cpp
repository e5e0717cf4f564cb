// Where a field says whether a resumed run may change it, and who inherits it.
#include <gtest/gtest.h>

#include "config/writer.h"
#include "tests/config/example_config.h"

namespace dtrain::config {
namespace {

struct Inner {
  int64_t plain = 0, own = 0;
  std::vector<StageExample> stages;
};
template <class V>
void fields(V& v, Inner& c) {
  v("plain", c.plain, "Says nothing.");
  v("own", c.own, at_least(0), kRounding, "Says something else than the section.");
  v("stages", c.stages, "A list.");
}
struct Outer {
  int64_t before = 0, limited = 0;
  Inner inner;
  bool behind = false;
};
template <class V>
void fields(V& v, Outer& c) {
  v("before", c.before, "Says nothing.");
  v("limited", c.limited, at_least(0), kFree, "With a limit.");
  v("inner", c.inner, kFree, "A section.");
  v("behind", c.behind, "Behind the section.");
}

TEST(Effect, is_the_course_unless_the_field_or_its_section_says_otherwise) {
  Outer config;
  const FieldList list = collect(config);
  std::vector<Effect> effects;
  for (const Field& field : list.all()) effects.push_back(field.effect);
  EXPECT_EQ(effects, (std::vector<Effect>{kCourse, kFree, kFree, kRounding, kFree, kCourse}));
}

TEST(Effect, stands_in_differences_and_goes_down_into_lists) {
  Outer a, b;
  a.inner.stages.resize(1);
  b.inner.stages.resize(1);
  b.before = 1;
  b.inner.own = 1;
  b.inner.stages[0].epoch = 7;
  const auto found = differences(collect(a), collect(b));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].effect, kCourse);
  EXPECT_EQ(found[1].effect, kRounding);
  EXPECT_EQ(found[2].path, "inner.stages[0].epoch");
  EXPECT_EQ(found[2].effect, kFree);
}

}  // namespace
}  // namespace dtrain::config
