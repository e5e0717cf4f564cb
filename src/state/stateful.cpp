#include "state/stateful.h"

#include <c10/core/GradMode.h>

#include <unordered_map>

#include "util/check.h"

namespace dtrain::state {

void copy_by_name(const NamedTensors& values, const NamedTensors& own) {
  const c10::NoGradGuard no_grad;
  const std::unordered_map<std::string, at::Tensor> known(own.begin(), own.end());
  for (const auto& [name, value] : values) {
    const auto found = known.find(name);
    check(found != known.end(), "state is given back to the part that it came from");
    found->second.copy_(value);
  }
}

}  // namespace dtrain::state
