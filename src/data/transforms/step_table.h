// The steps that a configuration can name: one readable array of rows, with the values each takes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "data/framing.h"
#include "data/transforms/transform.h"

namespace dtrain::data {

// Normalisation of pixels in [0, 1]: (x - mean) / std, one value per channel.
struct Normalization {
  std::vector<double> mean, std;
};

// A value that a step takes.
struct StepParameter {
  enum class Kind { kNumber, kInteger, kRange, kWord };  // a range is written low:high
  const char* name;
  Kind kind;
  const char* fallback;         // as text; empty: has to be given
  double low = 0, high = 1e9;   // of numbers
  const char* words = nullptr;  // "zero reflect": those a word may be
};

// The values of one step, checked.
class StepArguments {
 public:
  double number(const std::string& name) const { return ranges_.at(name).first; }
  int64_t integer(const std::string& name) const { return static_cast<int64_t>(number(name)); }
  std::pair<double, double> range(const std::string& name) const { return ranges_.at(name); }
  // Whether a range was written as one value.
  bool is_single(const std::string& name) const { return single_.contains(name); }
  const std::string& word(const std::string& name) const { return words_.at(name); }

  void set(const StepParameter& parameter, const std::string& value, const std::string& step);

 private:
  std::map<std::string, std::pair<double, double>> ranges_;
  std::set<std::string> single_;
  std::map<std::string, std::string> words_;
};

// What a step has to know of the images it gets; one that changes their size says so here.
struct StepContext {
  ImageShape shape;
  Normalization normalization;
};

using StepFunction = std::function<void(Image& image, Image& scratch, util::CounterRng& rng)>;

struct StepRow {
  const char* name;
  const char* like;  // what others call it
  std::vector<StepParameter> parameters;
  util::RandomStream stream;
  // A step, the choice of a picture's part (framing.h), or both: behind `resize` the choice.
  StepFunction (*make)(const StepArguments& values, StepContext& context);
  void (*frame)(const StepArguments& values, FramingParameters& framing) = nullptr;
};

const std::vector<StepRow>& step_rows();

// A text's row and its values, with defaults for those not given. Throws Error(kConfig) for unknown
// names, with the nearest, and for values out of range.
struct ResolvedStep {
  const StepRow* row = nullptr;
  StepArguments values;
  std::string text;  // as it was written
};
ResolvedStep resolve_step(const std::string& text);

}  // namespace dtrain::data
