#include "report/numbers.h"

#include "util/text.h"

namespace dtrain::report {

std::string percent(double share) { return util::number(100 * share, "%.3f"); }

std::string class_name(int64_t k,
                       const std::vector<std::string>& class_names,
                       const char* unknown) {
  return k < 0 ? unknown : class_names[size_t(k)];
}

}  // namespace dtrain::report
