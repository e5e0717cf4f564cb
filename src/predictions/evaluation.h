// What predictions are worth: of one file, and of two beside each other.
//
//   const PredictionsFile file("predictions-test.h5");
//   const Evaluation evaluation = evaluate(file, {.hardest = 32});
//   evaluation.top1; evaluation.confusion.of_class(3).f1; evaluation.hardest[0].path;
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/calibration_error.h"
#include "metrics/confusion_matrix.h"
#include "predictions/predictions.h"
#include "predictions/vote_statistics.h"

namespace dtrain::predictions {

struct EvaluatedSample {
  int64_t row = 0;  // in the file, and the sample's index in its data set
  int64_t id = 0;
  int64_t target = 0, predicted = 0;
  double probability = 0;  // of the target
  std::string path;
};

struct Evaluation {
  PredictionsHeader header;
  int64_t samples = 0;
  int64_t labelled = 0;  // all that follows is of samples with a target
  double top1 = 0, top5 = 0, nll = 0, brier = 0, ece = 0, adaptive_ece = 0;
  metrics::ConfusionMatrix confusion;
  std::vector<metrics::ReliabilityBin> bins;  // of equal width
  std::vector<EvaluatedSample> hardest;       // the least probable targets first
};

struct EvaluationOptions {
  int64_t hardest = 32;  // samples that are listed
};

// Reads the file block by block. top1 and the confusion matrix are of the classes that the file
// says were predicted, the other measures of its logits, divided by its temperature. Throws
// Error(kData) where no sample has a target.
Evaluation evaluate(const PredictionsFile& file, const EvaluationOptions& options = {});

struct DifferingSample {
  int64_t row = 0, id = 0, target = 0;
  int64_t left = 0, right = 0;  // the classes that were predicted
  std::string path;
};

struct Comparison {
  int64_t samples = 0, labelled = 0;
  PairedCounts counts;  // "member" is the left file, "ensemble" the right one
  std::vector<DifferingSample> differing;
};

// Of two files of the same samples; Error(kData) as open_members() has it.
Comparison compare(const std::string& left, const std::string& right);

}  // namespace dtrain::predictions
