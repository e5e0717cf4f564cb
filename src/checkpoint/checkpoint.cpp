// Checkpoints of tensors.
#include "checkpoint/checkpoint.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <unordered_map>

#include "checkpoint/safetensors.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr char kModelFile[] = "model.safetensors";
constexpr char kStateFile[] = "state.safetensors";
constexpr char kEmaFile[] = "model_ema.safetensors";

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

FileRecord write_file(const fs::path& folder, const char* name, const NamedTensors& tensors) {
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

NamedTensors read_checked(const fs::path& folder, const Manifest& manifest, const char* name) {
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
                 std::string("does not list ") + name,
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

std::string shape_text(const at::Tensor& tensor) {
  return std::string(c10::toString(tensor.scalar_type())) + "[" +
         util::joined(tensor.sizes(), ",") + "]";
}

// A list that names the first few.
class Differences {
 public:
  void add(const std::string& text) {
    if (count_++ < 5) text_ += (text_.empty() ? "" : "; ") + text;
  }
  bool empty() const { return count_ == 0; }
  std::string text() const {
    return count_ <= 5 ? text_ : text_ + "; and " + std::to_string(count_ - 5) + " more";
  }

 private:
  int64_t count_ = 0;
  std::string text_;
};

}  // namespace

CheckpointStore::Saved save_checkpoint(CheckpointStore& store,
                                       const CheckpointData& data,
                                       bool is_best) {
  c10::NoGradGuard no_grad;
  if (store.config().check_finite) {
    for (const NamedTensors* part : {&data.model, &data.state, &data.ema}) {
      check_finite(*part, checkpoint_name(data.position.step));
    }
  }
  return store.save(data.position, data.meta, is_best, [&](const fs::path& folder) {
    std::vector<FileRecord> files = {write_file(folder, kModelFile, data.model),
                                     write_file(folder, kStateFile, data.state)};
    if (!data.ema.empty()) files.push_back(write_file(folder, kEmaFile, data.ema));
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
  data.model = read_checked(folder, manifest, kModelFile);
  data.state = read_checked(folder, manifest, kStateFile);
  const bool has_ema = std::any_of(manifest.files.begin(),
                                   manifest.files.end(),
                                   [](const FileRecord& file) { return file.name == kEmaFile; });
  if (has_ema) data.ema = read_checked(folder, manifest, kEmaFile);
  data.position = manifest.position;
  data.meta = std::move(manifest.meta);
  return data;
}

Weights load_weights(const fs::path& checkpoint, bool ema) {
  const Manifest manifest = read_manifest(checkpoint);
  for (const FileRecord& file : manifest.files) {
    if (file.name == (ema ? kEmaFile : kModelFile)) {
      return {read_checked(checkpoint, manifest, ema ? kEmaFile : kModelFile), file.hash};
    }
  }
  throw config_error("checkpoint " + checkpoint.string(),
                     "it holds no moving average of the weights",
                     "leave --ema out, or train with --model-ema");
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
      differences.add(name + " is " + shape_text(found->second) + ", expected " +
                      shape_text(target));
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
