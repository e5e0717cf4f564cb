// Small tables of predictions for tests.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "predictions/predictions.h"

namespace dtrain::testing {

inline predictions::PredictionsHeader header_of(int64_t classes) {
  predictions::PredictionsHeader header;
  header.dataset = "pictures/test";
  header.data_fingerprint = "data";
  for (int64_t k = 0; k < classes; ++k) header.class_names.push_back("class " + std::to_string(k));
  header.model = "resnet18";
  header.model_fingerprint = "weights";
  header.checkpoint = "run/checkpoints/best";
  header.method = "logits";
  return header;
}

// `n` samples from `first` on: sample i has id 2 i, target i mod K (every seventh has none) and
// path "i.png".
inline predictions::PredictionsIndex index_of(int64_t first, int64_t n, int64_t classes) {
  predictions::PredictionsIndex index;
  for (int64_t i = first; i < first + n; ++i) {
    index.ids.push_back(2 * i);
    index.targets.push_back(i % 7 == 6 ? -1 : i % classes);
    index.paths.push_back(std::to_string(i) + ".png");
  }
  return index;
}

// Values without a pattern, the same for every caller.
inline float logit_of(int64_t sample, int64_t k) {
  return float(std::sin(double(sample * 131 + k * 17) * 0.7) * 3);
}

inline std::vector<float> logits_of(int64_t first, int64_t n, int64_t classes) {
  std::vector<float> logits;
  for (int64_t i = first; i < first + n; ++i) {
    for (int64_t k = 0; k < classes; ++k) logits.push_back(logit_of(i, k));
  }
  return logits;
}

// A whole file of what is given.
inline void write_rows(const std::filesystem::path& path,
                       const predictions::PredictionsHeader& header,
                       const predictions::PredictionsIndex& index,
                       const std::vector<float>& logits) {
  predictions::PredictionsWriter writer(path, header, int64_t(index.ids.size()));
  writer.append(index, logits);
  writer.finish();
}

// A whole file, appended in pieces of `piece` samples.
inline void write_table(const std::filesystem::path& path,
                        int64_t n,
                        int64_t classes,
                        int64_t piece) {
  predictions::PredictionsWriter writer(path, header_of(classes), n);
  for (int64_t i = 0; i < n; i += piece) {
    const int64_t now = std::min(piece, n - i);
    writer.append(index_of(i, now, classes), logits_of(i, now, classes));
  }
  writer.finish();
}

}  // namespace dtrain::testing
