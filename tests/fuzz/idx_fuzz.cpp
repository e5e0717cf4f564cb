// IDX files, plain and gzipped.
#include <vector>

#include "data/datasets/idx_file.h"
#include "tests/fuzz/fuzz_input.h"

using dtrain::ExitCode;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const dtrain::testing::InputFile input(bytes, size);
  for (const bool all : {true, false}) {
    dtrain::testing::read_or_refused({ExitCode::kData}, [&] {
      dtrain::data::IdxFile file(input.path(), 1, 4, "advice");
      file.looks_complete();
      const int64_t items = all ? file.dims()[0] : (file.dims()[0] + 1) / 2;
      std::vector<uint8_t> content(static_cast<size_t>(items * file.item_bytes()));
      file.read(content);
    });
  }
  return 0;
}
