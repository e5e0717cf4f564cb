// Lists of steps in a configuration, and lists of views.
#include <gtest/gtest.h>

#include "data/transforms/factory.h"
#include "data/transforms/step_text.h"
#include "data/transforms/tta.h"
#include "tests/support/mentions.h"
#include "tests/support/pictures.h"
#include "tests/support/temp_folder.h"

namespace dtrain::data {
namespace {

using testing::error_text;
using testing::kPictures;
using testing::mentions;
using testing::read_ppm;
using Names = std::vector<std::string>;
using Part = FramingParameters::Part;

const Normalization kNormalization{{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}};
const ImageShape kPhotos{0, 0, 3}, kSmall{32, 32, 3};

TransformConfig listing(const Names& steps) {
  TransformConfig config;
  config.train = steps;
  return config;
}

View train_view(const Names& steps, const ImageShape& shape = kPhotos) {
  return make_train_view(listing(steps), kNormalization, shape);
}

std::string refusal(const Names& steps, const ImageShape& shape = kPhotos) {
  return error_text([&] { train_view(steps, shape); }, ExitCode::kConfig);
}

TEST(StepText, HasANameAndValuesByPlaceOrByName) {
  const StepText step = parse_step(" random_crop ( 32 , padding = 4, mode=zero ) ");
  EXPECT_EQ(step.name, "random_crop");
  using Argument = std::pair<std::string, std::string>;
  EXPECT_EQ(step.arguments,
            (std::vector<Argument>{{"", "32"}, {"padding", "4"}, {"mode", "zero"}}));
  EXPECT_TRUE(parse_step("horizontal_flip").arguments.empty());
  EXPECT_TRUE(parse_step("horizontal_flip()").arguments.empty());
}

TEST(StepText, OfAnotherFormIsRefused) {
  for (const char* text : {"",
                           "(3)",
                           "3(x)",
                           "a(",
                           "a(3",
                           "a)",
                           "a(1,)",
                           "a(,1)",
                           "a(b=)",
                           "a(=1)",
                           "a(b=1, 2)",
                           "a((1))",
                           "a b",
                           "a(1)b"}) {
    EXPECT_TRUE(mentions(error_text([&] { parse_step(text); }, ExitCode::kConfig),
                         {"name(value, key=value)"}))
        << text;
  }
}

TEST(StepList, ChoosesThePartOfThePictureFirst) {
  const View area = train_view({"random_resized_crop(96, scale=0.2:1)", "horizontal_flip"});
  EXPECT_EQ(area.framing->part, Part::kRandomArea);
  EXPECT_EQ(area.framing->shape, (ImageShape{96, 96, 3}));
  EXPECT_EQ(area.framing->scale_low, 0.2);
  EXPECT_EQ(area.framing->ratio_high, 4.0 / 3.0);
  ASSERT_EQ(area.steps.size(), 1U);
  const View place = train_view({"resize(72)", "random_crop(64)"});
  EXPECT_EQ(place.framing->part, Part::kRandomPlace);
  EXPECT_EQ(place.framing->resize, 72);
  EXPECT_TRUE(place.steps.empty());
  const View middle = train_view({"resize(72)", "center_crop(64)", "random_crop(64, padding=4)"});
  EXPECT_EQ(middle.framing->part, Part::kAnchored);
  EXPECT_EQ(middle.steps.size(), 1U);
  const View small = train_view({"random_crop(32, padding=4)"}, kSmall);
  EXPECT_FALSE(small.framing);
  EXPECT_EQ(small.steps.size(), 1U);
}

TEST(StepList, ThatCannotWorkIsRefusedWithThePlaceInTheList) {
  EXPECT_TRUE(mentions(refusal({"horizontal_flip", "horizontl_flip"}),
                       {"transforms.train[1]", "horizontal_flip"}));
  EXPECT_TRUE(mentions(refusal({"horizontal_flip(2)"}), {"transforms.train[0]", "from 0 to 1"}));
  EXPECT_TRUE(mentions(refusal({"horizontal_flip(q=1)"}), {"takes no q"}));
  EXPECT_TRUE(mentions(refusal({"horizontal_flip(0.5, p=1)"}), {"given twice"}));
  EXPECT_TRUE(mentions(refusal({"horizontal_flip(0.5, 1)"}), {"more values"}));
  EXPECT_TRUE(mentions(refusal({"resize"}), {"size is missing"}));
  EXPECT_TRUE(mentions(refusal({"horizontal_flip", "resize(40)"}), {"put it first"}));
  EXPECT_TRUE(mentions(refusal({"resize(40)", "center_crop(64)"}), {"64 pixels", "resized to 40"}));
  EXPECT_TRUE(mentions(refusal({"random_crop(37, padding=2)"}, kSmall), {"32 x 32 x 3"}));
  EXPECT_TRUE(mentions(refusal({"random_erasing(value=300)"}), {"300"}));
  EXPECT_TRUE(mentions(refusal({"random_erasing(scale=0.5:0.2)"}), {"low:high"}));
}

TEST(StepList, IsCheckedAsAWholeBeforeAnyDataIsOpened) {
  TransformConfig config = listing({"flop", "horizontal_flip(3)"});
  config.strong = {"blurr"};
  config::Problems problems;
  validate(config, problems);
  EXPECT_EQ(problems.all().size(), 3U);
  EXPECT_TRUE(
      mentions(problems.text(), {"transforms.train[0]", "train[1]", "transforms.strong[0]"}));
}

// With the values that have to be given: "resize(32)".
std::string shortest(const StepRow& row) {
  std::string values;
  for (const StepParameter& parameter : row.parameters) {
    if (*parameter.fallback == '\0') values += values.empty() ? "3" : ", 3";
  }
  return row.name + ("(" + values + ")");
}

TEST(StepTable, HasStepsThatWorkOnColourAndGreyAndDrawTheSameEachTime) {
  const Image photo = read_ppm(kPictures / "photo.ppm");
  for (const StepRow& row : step_rows()) {
    if (row.make == nullptr) continue;
    for (const int64_t channels : {1, 3}) {
      Image picture;
      picture.resize({40, 40, channels});
      std::copy_n(photo.pixels.begin(), picture.pixels.size(), picture.pixels.begin());
      TransformConfig config = listing({shortest(row)});
      const Normalization normalization{std::vector<double>(size_t(channels), 0.5),
                                        std::vector<double>(size_t(channels), 0.2)};
      const View view = make_train_view(config, normalization, picture.shape);
      int64_t changed = 0;
      for (int64_t id = 0; id < 60; ++id) {
        Image once = picture, again = picture, spare;
        apply_steps(view.steps, 0, 7, 1, id, once, spare);
        apply_steps(view.steps, 0, 7, 1, id, again, spare);
        EXPECT_EQ(once.pixels, again.pixels) << row.name;
        EXPECT_EQ(once.shape, view.shape) << row.name;
        changed += once.pixels != picture.pixels ? 1 : 0;
      }
      const bool idle = row.name == std::string("color_jitter") ||
                        row.name == std::string("random_crop") ||
                        (channels == 1 && row.name == std::string("grayscale"));
      EXPECT_EQ(changed == 0, idle) << row.name << " on " << channels << " channels";
    }
  }
}

TEST(StepTable, IsTheOneInTheDocumentation) {
  const auto text =
      testing::bytes_of(std::filesystem::path(DTRAIN_SOURCE_DIR) / "docs/transforms.md");
  const std::string page(text.begin(), text.end());
  for (const StepRow& row : step_rows()) {
    std::string signature = row.name + std::string("(");
    for (const StepParameter& parameter : row.parameters) {
      if (&parameter != row.parameters.data()) signature += ", ";
      signature += parameter.name;
      if (*parameter.fallback != '\0') signature += std::string("=") + parameter.fallback;
    }
    EXPECT_NE(page.find("`" + signature + ")` | " + row.like), std::string::npos)
        << "expected in docs/transforms.md: | `" << signature << ")` | " << row.like << " |";
  }
  for (const std::string& name : tta_names()) {
    EXPECT_NE(page.find("| `" + name), std::string::npos) << name;
  }
}

TEST(StepList, AStepThatStandsTwiceDrawsTwice) {
  const View view = train_view({"horizontal_flip", "vertical_flip", "horizontal_flip"}, kSmall);
  int64_t once = 0;  // mirrored by exactly one of the two
  for (int64_t id = 0; id < 400; ++id) {
    auto first = step_generator(view.steps, 0, 0, 1, 0, id);
    auto second = step_generator(view.steps, 2, 0, 1, 0, id);
    once += (first.uniform() < 0.5) != (second.uniform() < 0.5) ? 1 : 0;
  }
  EXPECT_NEAR(double(once), 200, 4 * 10);
}

TEST(WeakAndStrongViews, AreTheTrainingsAndMore) {
  TransformConfig config;
  config.random_crop_padding = 4;
  config.strong = {"horizontal_flip", "random_erasing(1)"};
  const Views views = make_weak_strong_views(config, kNormalization, kSmall);
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].steps.size(), 2U);
  EXPECT_EQ(views[1].steps[1].name, "random_erasing(1)");
}

// --- test-time augmentation ----------------------------------------------------------------------

TransformConfig evaluation(int64_t size, int64_t resize) {
  TransformConfig config;
  config.size = size;
  config.eval_resize = resize;
  return config;
}

Image shown(const View& view, const Image& picture) {
  Sample sample;
  sample.image = picture;
  FramingScratch scratch;
  Image image, spare;
  util::CounterRng rng(0, kPartStream, 0, 0);
  if (view.framing) {
    frame(*view.framing, sample, image, scratch, rng);
  } else {
    image = picture;
  }
  apply_steps(view.steps, 0, 0, 0, 0, image, spare);
  return image;
}

TEST(TtaViews, OfTenCropsAreTheCornersAndTheMiddleEachWithItsMirrorImage) {
  const Image photo = read_ppm(kPictures / "photo.ppm");
  const int64_t side = std::min(photo.shape.height, photo.shape.width);
  const int64_t size = side - 10;
  // Resized to its own size, so that the crops are the picture's own pixels.
  const auto config = evaluation(size, side);
  const Views views = make_tta_views("ten_crop", config, kNormalization, kPhotos);
  ASSERT_EQ(views.size(), 10U);
  const int64_t bottom = photo.shape.height - size, right = photo.shape.width - size;
  const std::pair<int64_t, int64_t> places[] = {{std::lround(std::nearbyint(double(bottom) / 2)),
                                                 std::lround(std::nearbyint(double(right) / 2))},
                                                {0, 0},
                                                {0, right},
                                                {bottom, 0},
                                                {bottom, right}};
  for (size_t i = 0; i < 5; ++i) {
    const auto [top, left] = places[i];
    Image crop = shown(views[2 * i], photo), mirrored = shown(views[2 * i + 1], photo);
    for (int64_t y = 0; y < size; ++y) {
      const uint8_t* expected = photo.row(top + y) + left * 3;
      ASSERT_TRUE(std::equal(expected, expected + size * 3, crop.row(y))) << i << " row " << y;
    }
    std::vector<uint8_t> last(crop.row(0) + (size - 1) * 3, crop.row(0) + size * 3);
    EXPECT_TRUE(std::equal(last.begin(), last.end(), mirrored.row(0))) << i;
  }
}

TEST(TtaViews, HaveOneSizeAndBeginWithTheViewOfEvaluation) {
  const auto config = evaluation(40, 48);
  const Image photo = read_ppm(kPictures / "photo.ppm");
  const Image plain = shown(make_eval_view(config, kPhotos), photo);
  for (const auto& [name, count] : {std::pair{"identity", 1U},
                                    {"flip", 2U},
                                    {"five_crop", 5U},
                                    {"ten_crop", 10U},
                                    {"scales", 3U}}) {
    const Views views = make_tta_views(name, config, kNormalization, kPhotos);
    EXPECT_EQ(views.size(), count) << name;
    EXPECT_EQ(shown(views[0], photo).pixels, plain.pixels) << name;
    for (const View& view : views) EXPECT_EQ(view.framing->shape, (ImageShape{40, 40, 3})) << name;
  }
  EXPECT_EQ(make_tta_views("random(3)", config, kNormalization, kPhotos).size(), 3U);
  EXPECT_EQ(make_tta_views("flip", {}, kNormalization, kSmall).size(), 2U);
}

TEST(TtaViews, ThatCannotBeMadeAreRefused) {
  const auto refused = [](const char* name, const ImageShape& shape) {
    return error_text([&] { make_tta_views(name, {}, kNormalization, shape); }, ExitCode::kConfig);
  };
  EXPECT_TRUE(mentions(refused("fivecrop", kPhotos), {"fivecrop", "five_crop"}));
  EXPECT_TRUE(mentions(refused("five_crop", kSmall), {"32 x 32 x 3", "transforms.size"}));
  EXPECT_TRUE(mentions(refused("random(0)", kSmall), {"random(0)"}));
  EXPECT_TRUE(mentions(refused("flip(3)", kSmall), {"too many"}));
}

}  // namespace
}  // namespace dtrain::data
