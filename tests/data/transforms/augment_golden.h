// What torchvision made of images: tests/golden/augment, written by make_augment.py there.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/transforms/affine.h"
#include "image/image.h"
#include "tests/support/pictures.h"

namespace dtrain::testing {

inline const std::filesystem::path kAugmentGolden =
    std::filesystem::path(DTRAIN_SOURCE_DIR) / "tests/golden/augment";

struct AugmentCase {
  std::string operation;
  std::vector<double> arguments;
  data::AffineOptions options;
  image::Image input, result;

  std::string name() const {
    std::string text = operation + "(";
    for (const double argument : arguments) text += std::to_string(argument) + " ";
    return text + ") of " + to_string(input.shape);
  }
};

inline nlohmann::ordered_json augment_json(const std::string& file) {
  std::ifstream in(kAugmentGolden / file);
  EXPECT_TRUE(in) << file;
  return nlohmann::ordered_json::parse(in);
}

// The cases of one operation, or all of them.
inline std::vector<AugmentCase> augment_cases(const std::string& part,
                                              const std::string& operation = "") {
  const auto json = augment_json(part + ".json");
  const std::vector<uint8_t> bytes = bytes_of(kAugmentGolden / (part + ".bin"));
  std::vector<image::Image> images;
  auto from = bytes.begin();
  for (const auto& shape : json["images"]) {
    image::Image& image = images.emplace_back();
    image.resize({shape[0], shape[1], shape[2]});
    std::copy_n(from, image.pixels.size(), image.pixels.begin());
    from += static_cast<std::ptrdiff_t>(image.pixels.size());
  }
  EXPECT_TRUE(from == bytes.end());
  std::vector<AugmentCase> cases;
  for (const auto& entry : json["cases"]) {
    if (!operation.empty() && entry["operation"] != operation) continue;
    AugmentCase& c = cases.emplace_back();
    c.operation = entry["operation"];
    c.arguments = entry["arguments"].get<std::vector<double>>();
    c.options.fill = entry["fill"].get<std::array<uint8_t, 3>>();
    if (entry["bilinear"]) c.options.interpolation = data::Interpolation::kBilinear;
    c.input = images.at(entry["input"]);
    c.result = images.at(entry["result"]);
  }
  EXPECT_FALSE(cases.empty()) << operation;
  return cases;
}

// apply(image, case) changes the image; the result is to be torchvision's, bit for bit.
template <class Apply>
void expect_golden(const std::string& part, const std::string& operation, Apply apply) {
  for (const AugmentCase& c : augment_cases(part, operation)) {
    image::Image image = c.input;
    apply(image, c);
    EXPECT_EQ(difference(image, c.result).largest, 0) << c.name();
  }
}

// Pearson's statistic for counts that should be equal.
inline double chi_square(const std::vector<int64_t>& counts) {
  double sum = 0, found = 0;
  for (const int64_t count : counts) sum += double(count);
  const double expected = sum / double(counts.size());
  for (const int64_t count : counts) found += std::pow(double(count) - expected, 2) / expected;
  return found;
}

}  // namespace dtrain::testing
