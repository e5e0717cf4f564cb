// Checkpoints of tensors.
#include "checkpoint/checkpoint.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "checkpoint/differences.h"
#include "checkpoint/safetensors.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr char kStateFile[] = "state.safetensors";
constexpr std::string_view kEnding = ".safetensors";

// "model.safetensors" and "model_ema.safetensors", and back; nothing for other files.
std::string file_of(const std::string& weights) {
  return (weights == kModelWeights ? weights : kModelWeights + ("_" + weights)) +
         std::string(kEnding);
}

std::optional<std::string> weights_in(const std::string& file) {
  const std::string model = kModelWeights;
  if (file == file_of(model)) return model;
  if (!file.starts_with(model + "_") || !file.ends_with(kEnding)) return std::nullopt;
  const size_t start = model.size() + 1;
  return file.substr(start, file.size() - kEnding.size() - start);
}

// Until the manifest said what was evaluated, it was the moving average where there was one.
std::string evaluated_weights(const Manifest& manifest) {
  const auto has_average = [](const FileRecord& file) { return file.name == file_of("ema"); };
  const bool average = std::any_of(manifest.files.begin(), manifest.files.end(), has_average);
  return manifest.meta.value("evaluated", average ? "ema" : kModelWeights);
}

struct TypePair {
  Dtype dtype;
  at::ScalarType scalar;
};
constexpr TypePair kTypes[] = {
    {Dtype::kBool, at::kBool},
    {Dtype::kU8, at::kByte},
    {Dtype::kI8, at::kChar},
    {Dtype::kI16, at::kShort},
    {Dtype::kI32, at::kInt},
    {Dtype::kI64, at::kLong},
    {Dtype::kF16, at::kHalf},
    {Dtype::kBF16, at::kBFloat16},
    {Dtype::kF32, at::kFloat},
    {Dtype::kF64, at::kDouble},
};

Dtype dtype_of(const std::string& name, const at::Tensor& tensor) {
  for (const TypePair& pair : kTypes) {
    if (pair.scalar == tensor.scalar_type()) return pair.dtype;
  }
  throw Error(ExitCode::kGaveUp,
              "checkpoint",
              "tensor " + name + " has a type that cannot be stored: " +
                  std::string(c10::toString(tensor.scalar_type())),
              "");
}

at::ScalarType scalar_of(Dtype dtype) {
  for (const TypePair& pair : kTypes) {
    if (pair.dtype == dtype) return pair.scalar;
  }
  throw Error(ExitCode::kGaveUp, "checkpoint", "unknown dtype", "");
}

FileRecord write_file(const fs::path& folder,
                      const std::string& name,
                      const NamedTensors& tensors) {
  std::vector<TensorSpec> specs;
  for (const auto& [key, tensor] : tensors) {
    specs.push_back({key, dtype_of(key, tensor), tensor.sizes().vec()});
  }
  at::Tensor current;  // keeps the copy of one tensor alive while it is written
  WrittenFile written = write_safetensors(folder / name, specs, {{"format", "pt"}}, [&](size_t i) {
    current = tensors[i].second.detach().to(at::kCPU).contiguous();
    return current.const_data_ptr();
  });
  return {name, written.size, written.hash};
}

NamedTensors read_file(const fs::path& path, std::string& hash) {
  SafetensorsReader reader(path);
  NamedTensors tensors;
  std::unordered_map<std::string, size_t> index;
  for (const TensorEntry& entry : reader.tensors()) {
    index[entry.name] = tensors.size();
    tensors.emplace_back(entry.name, at::Tensor());
  }
  hash = reader.read([&](const TensorEntry& entry) {
    at::Tensor& tensor = tensors[index.at(entry.name)].second;
    tensor = at::empty(entry.shape, at::TensorOptions().dtype(scalar_of(entry.dtype)));
    return tensor.mutable_data_ptr();
  });
  return tensors;
}

NamedTensors read_checked(const fs::path& folder,
                          const Manifest& manifest,
                          const std::string& name) {
  for (const FileRecord& record : manifest.files) {
    if (record.name != name) continue;
    std::string hash;
    NamedTensors tensors = read_file(folder / name, hash);
    if (hash == record.hash) return tensors;
    throw io_error((folder / name).string(),
                   "checksum does not match: the file was changed or damaged",
                   "use another checkpoint of the run");
  }
  throw io_error((folder / "manifest.json").string(),
                 "does not list " + name,
                 "use another checkpoint of the run");
}

void check_finite(const NamedTensors& tensors, const std::string& checkpoint) {
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || at::isfinite(tensor).all().item<bool>()) continue;
    throw data_error("checkpoint " + checkpoint + " is not saved",
                     "it would hold NaN or infinity (first in " + name + "): training diverged",
                     "resume from the last checkpoint with a lower learning rate or gradient "
                     "clipping (--clip-grad)");
  }
}

}  // namespace

CheckpointStore::Saved save_checkpoint(CheckpointStore& store,
                                       const CheckpointData& data,
                                       bool is_best) {
  c10::NoGradGuard no_grad;
  if (store.config().check_finite) {
    const std::string name = checkpoint_name(data.position.step);
    for (const WeightSet& set : data.weights) check_finite(set.tensors, name);
    check_finite(data.state, name);
  }
  return store.save(data.position, data.meta, is_best, [&](const fs::path& folder) {
    std::vector<FileRecord> files;
    for (const WeightSet& set : data.weights) {
      files.push_back(write_file(folder, file_of(set.name), set.tensors));
    }
    files.push_back(write_file(folder, kStateFile, data.state));
    return files;
  });
}

CheckpointData load_checkpoint(const fs::path& checkpoint) {
  // Resolved once: `last` may move on while the files are read.
  std::error_code error;
  const fs::path resolved = fs::canonical(checkpoint, error);
  const fs::path folder = error ? checkpoint : resolved;
  Manifest manifest = read_manifest(folder);
  CheckpointData data;
  for (const FileRecord& file : manifest.files) {
    if (const auto weights = weights_in(file.name)) {
      data.weights.push_back({*weights, read_checked(folder, manifest, file.name)});
    }
  }
  if (weights_named(data, kModelWeights) == nullptr) {
    read_checked(folder, manifest, file_of(kModelWeights));  // says that there is none
  }
  data.state = read_checked(folder, manifest, kStateFile);
  data.position = manifest.position;
  data.meta = std::move(manifest.meta);
  return data;
}

const NamedTensors* weights_named(const CheckpointData& data, const std::string& name) {
  for (const WeightSet& set : data.weights) {
    if (set.name == name) return &set.tensors;
  }
  return nullptr;
}

Weights load_weights(const fs::path& checkpoint, const std::string& wanted) {
  const Manifest manifest = read_manifest(checkpoint);
  const std::string name = wanted == kEvaluatedWeights ? evaluated_weights(manifest) : wanted;
  std::vector<std::string> known;
  for (const FileRecord& file : manifest.files) {
    const auto weights = weights_in(file.name);
    if (!weights) continue;
    if (*weights == name) return {name, read_checked(checkpoint, manifest, file.name), file.hash};
    known.push_back(*weights);
  }
  throw config_error(
      "checkpoint " + checkpoint.string(),
      "it holds no weights named " + name,
      "choose from " + util::joined(known, ", ") +
          (name == "ema" ? "; training with --model-ema saves a moving average" : ""));
}

NamedTensors load_safetensors(const fs::path& path) {
  std::string hash;
  return read_file(path, hash);
}

void copy_tensors(const NamedTensors& from, const NamedTensors& to, const std::string& subject) {
  std::unordered_map<std::string, at::Tensor> source(from.begin(), from.end());
  Differences differences;
  for (const auto& [name, target] : to) {
    auto found = source.find(name);
    if (found == source.end()) {
      differences.add("no " + name);
    } else if (found->second.sizes() != target.sizes() ||
               found->second.scalar_type() != target.scalar_type()) {
      differences.add(name + " is " + type_and_shape(found->second) + ", expected " +
                      type_and_shape(target));
    }
  }
  std::unordered_map<std::string, at::Tensor> known(to.begin(), to.end());
  for (const auto& [name, tensor] : from) {
    if (known.count(name) == 0) differences.add("unexpected " + name);
  }
  if (!differences.empty()) {
    throw config_error(subject, differences.text(), "use the settings it was trained with");
  }
  c10::NoGradGuard no_grad;
  for (const auto& [name, target] : to) target.copy_(source.at(name));
}

}  // namespace dtrain::checkpoint
