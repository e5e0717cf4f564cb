#include "run/initial_weights.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <unordered_map>

#include "checkpoint/checkpoint.h"
#include "checkpoint/checkpoint_folder.h"
#include "checkpoint/resume.h"
#include "config/byte_text.h"
#include "dist/parameter_sync.h"
#include "util/folder_link.h"

namespace dtrain::run {
namespace {

// "fc.", of a model whose last parameter is fc.bias.
std::string last_layer(const nn::Classifier& model) {
  const std::string last = model.named_parameters().back().key();
  return last.substr(0, last.rfind('.') + 1);
}

bool differ_in_classes(const at::Tensor& saved, const at::Tensor& own) {
  return saved.dim() == own.dim() && saved.dim() > 0 && saved.size(0) != own.size(0) &&
         saved.sizes().slice(1) == own.sizes().slice(1);
}

}  // namespace

void name_initial_checkpoint(settings::RunConfig& config, const dist::MpiScope& mpi) {
  std::string path = config.model.initial_checkpoint;
  if (path.empty()) return;
  dist::together(mpi, [&] {
    if (mpi.rank() != 0 || std::filesystem::is_regular_file(util::followed(path))) return;
    path = checkpoint::find_checkpoint(path, config.run.output).string();
  });
  config.model.initial_checkpoint = mpi.broadcast(path);
}

std::string load_initial_weights(const settings::RunConfig& config,
                                 const std::vector<std::string>& class_names,
                                 nn::Classifier& model) {
  const at::NoGradGuard no_grad;
  const std::string& request = config.model.initial_checkpoint;
  std::string source = request;
  checkpoint::NamedTensors saved;
  bool are_other_classes = false;                               // as many, with other names
  const std::filesystem::path place = util::followed(request);  // `best` can be a file
  if (std::filesystem::is_regular_file(place)) {
    saved = checkpoint::load_safetensors(place);
  } else {
    source = checkpoint::find_checkpoint(request, config.run.output).string();
    saved = checkpoint::load_weights(source, checkpoint::kEvaluatedWeights).tensors;
    const config::Json meta = checkpoint::read_manifest(source).meta;
    are_other_classes = meta.contains("class_names") &&
                        config::list_of_bytes(meta.at("class_names")) != class_names;
  }
  const checkpoint::NamedTensors own = dist::state_of(model);
  const std::unordered_map<std::string, at::Tensor> targets(own.begin(), own.end());
  const std::string layer = last_layer(model);
  std::string classes;  // both numbers, where they differ
  for (const auto& [name, tensor] : saved) {
    const auto target = targets.find(name);
    if (name.starts_with(layer) && target != targets.end() &&
        differ_in_classes(tensor, target->second)) {
      classes = std::to_string(target->second.size(0)) + " classes in place of " +
                std::to_string(tensor.size(0));
    }
  }
  if (classes.empty() && are_other_classes) classes = "the classes have other names";
  for (auto& [name, tensor] : saved) {
    const auto target = targets.find(name);
    if (target == targets.end()) continue;
    const at::Tensor& value = target->second;
    if (!classes.empty() && name.starts_with(layer)) {
      tensor = value.clone();
    } else if (tensor.is_floating_point() && value.is_floating_point()) {
      tensor = tensor.to(value.scalar_type());
    }
  }
  checkpoint::copy_tensors(saved, own, source);
  std::string line = "Starts from the weights of " + source;
  if (!classes.empty()) {
    line += "; the last layer, " + layer.substr(0, layer.size() - 1) + ", is fresh: " + classes;
  }
  return line;
}

}  // namespace dtrain::run
