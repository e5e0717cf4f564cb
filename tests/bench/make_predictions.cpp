// make_predictions FILE SAMPLES CLASSES SEED: predictions that look like a model's, written
// quickly: rows of a fixed noise, shifted from sample to sample, with the target's logit raised.
// compare_vote.py votes on them.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "predictions/predictions.h"

int main(int argc, char** argv) {
  using namespace dtrain;
  if (argc != 5) {
    std::fprintf(stderr, "usage: make_predictions FILE SAMPLES CLASSES SEED\n");
    return 64;
  }
  const int64_t samples = std::atoll(argv[2]), classes = std::atoll(argv[3]);
  const uint64_t seed = uint64_t(std::atoll(argv[4]));
  try {
    predictions::PredictionsHeader header;
    header.dataset = "noise/test";
    header.data_fingerprint = "noise";
    header.model = "noise " + std::string(argv[4]);
    header.model_fingerprint = header.model;
    header.method = "logits";
    header.temperature = 1 + 0.1 * double(seed % 7);
    for (int64_t k = 0; k < classes; ++k) header.class_names.push_back("c" + std::to_string(k));
    uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
    const auto draw = [&state] {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return state >> 33;
    };
    std::vector<float> noise(1 << 20);
    for (float& value : noise) value = float(draw() % 8192) / 1024 - 4;
    noise.insert(noise.end(), noise.begin(), noise.begin() + classes);
    predictions::PredictionsWriter writer(argv[1], header, samples);
    constexpr int64_t kRows = 1000;
    std::vector<float> logits;
    for (int64_t first = 0; first < samples; first += kRows) {
      predictions::PredictionsIndex rows;
      logits.clear();
      for (int64_t i = first; i < std::min(first + kRows, samples); ++i) {
        rows.ids.push_back(i);
        rows.targets.push_back(i % classes);
        // As long as ImageNet's.
        rows.paths.push_back("n01440764/ILSVRC2012_val_" + std::to_string(10'000'000 + i) +
                             ".JPEG");
        const auto row = noise.begin() + std::ptrdiff_t(draw() % (1 << 20));
        logits.insert(logits.end(), row, row + classes);
        logits[size_t((i - first) * classes + i % classes)] += 3;
      }
      writer.append(rows, logits);
    }
    writer.finish();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_predictions: %s\n", error.what());
    return 1;
  }
}
