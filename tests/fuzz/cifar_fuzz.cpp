// CIFAR's binary files, with one and with two bytes of labels.
#include "data/datasets/cifar_dataset.h"
#include "tests/fuzz/fuzz_input.h"

using dtrain::ExitCode;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const dtrain::testing::InputFile input(bytes, size);
  for (const int64_t label_bytes : {1, 2}) {
    dtrain::testing::read_or_refused({ExitCode::kData}, [&] {
      const dtrain::data::CifarDataset dataset({.name = "fuzz",
                                                .files = {input.path()},
                                                .label_bytes = label_bytes,
                                                .class_names = {"a", "b", "c"},
                                                .limit = 0,
                                                .advice = "advice"});
      dtrain::data::Sample sample;
      for (int64_t i = 0; i < dataset.size(); ++i) {
        dataset.read(i, sample);
        dtrain::testing::require(sample.target < 3, "a target is a class");
      }
      dataset.fingerprint();
    });
  }
  return 0;
}
