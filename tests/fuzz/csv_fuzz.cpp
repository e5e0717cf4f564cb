// CSV files that list pictures.
#include <string_view>

#include "data/datasets/csv_table.h"
#include "tests/fuzz/fuzz_input.h"

using dtrain::ExitCode;
using dtrain::testing::require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  dtrain::testing::read_or_refused({ExitCode::kData}, [&] {
    dtrain::data::CsvFindings findings;
    const dtrain::data::CsvTable table =
        dtrain::data::read_csv_table({reinterpret_cast<const char*>(bytes), size}, findings);
    findings.throw_if_any("fuzz", "advice");
    for (const dtrain::data::CsvRow& row : table.rows) {
      require(!row.path.empty() && row.path[0] != '/', "a path is relative");
      require(row.path.find("../") != 0, "a path does not leave its folder");
      require(size_t(row.label) < table.labels.size(), "a row's label is one of the table's");
      require(row.split.empty() == !table.has_splits, "with a column `split` all rows have one");
    }
  });
  return 0;
}
