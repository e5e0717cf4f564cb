#include "data/datasets/mapped_classes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

constexpr size_t kMostNamed = 10;

}  // namespace

MappedClasses::MappedClasses(std::unique_ptr<Dataset> base, std::vector<std::string> class_names)
    : base_(std::move(base)), class_names_(std::move(class_names)) {
  for (const std::string& one : base_->class_names()) {
    const auto at = std::find(class_names_.begin(), class_names_.end(), one);
    targets_.push_back(at == class_names_.end() ? kUnlabelled : at - class_names_.begin());
  }
  expect_known();
}

void MappedClasses::expect_known() const {
  std::map<int64_t, int64_t> unknown;  // class of the base -> its first sample
  for (int64_t i = 0; i < base_->size(); ++i) {
    const int64_t target = base_->target(i);
    if (target >= 0 && mapped(target) < 0) unknown.emplace(target, i);
  }
  if (unknown.empty()) return;
  std::vector<std::string> listed;
  for (const auto& [target, sample] : unknown) {
    if (listed.size() == kMostNamed) break;
    listed.push_back(base_->class_names()[static_cast<size_t>(target)] + " (" +
                     base_->describe(sample) + ")");
  }
  const size_t more = unknown.size() - listed.size();
  throw config_error("data set " + base_->name(),
                     "the network knows no class " + util::joined(listed, ", ") +
                         (more > 0 ? ", and " + std::to_string(more) + " more" : ""),
                     "name classes as the network does (" +
                         util::joined(class_names_, ", ").substr(0, 200) +
                         "), or predict the images without labels: name their folder");
}

void MappedClasses::read(int64_t index, Sample& sample) const {
  base_->read(index, sample);
  sample.target = mapped(sample.target);
}

bool are_named(const std::vector<std::string>& classes) {
  return std::any_of(classes.begin(), classes.end(), [](const std::string& name) {
    return name.find_first_not_of("0123456789") != std::string::npos;
  });
}

}  // namespace dtrain::data
