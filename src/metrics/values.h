// Metrics by name. Needs no torch.
#pragma once

#include <map>
#include <string>

namespace dtrain::metrics {

// "loss", "top1", "recall/3" -> value over all ranks.
using Values = std::map<std::string, double>;

}  // namespace dtrain::metrics
