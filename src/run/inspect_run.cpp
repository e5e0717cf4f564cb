// Texts about things dtrain has written.
#include "run/inspect_run.h"

#include <filesystem>

#include "checkpoint/checkpoint_folder.h"
#include "checkpoint/resume.h"
#include "checkpoint/safetensors.h"
#include "config/json.h"
#include "settings/run_config.h"
#include "util/text.h"

namespace dtrain::run {
namespace {

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return "[" + util::joined(shape, ", ") + "]";
}

std::string tensors_text(const std::filesystem::path& file) {
  const checkpoint::SafetensorsReader reader(file);
  size_t width = 0;
  for (const auto& tensor : reader.tensors()) width = std::max(width, tensor.name.size());
  std::string out;
  for (const auto& tensor : reader.tensors()) {
    out += "    " + padded(tensor.name, width + 2) +
           padded(checkpoint::dtype_name(tensor.dtype), 6) + shape_text(tensor.shape) + "\n";
  }
  return out;
}

}  // namespace

std::string describe_checkpoint(const std::string& request) {
  const auto checkpoint = checkpoint::find_checkpoint(request, settings::RunSection().output);
  const checkpoint::Manifest manifest = checkpoint::verify_checkpoint(checkpoint);
  std::string out = std::filesystem::canonical(checkpoint).string() + "\n" + "format version " +
                    std::to_string(manifest.version) + ", all checksums right\n" +
                    "position: " + std::to_string(manifest.position.step) + " steps done, epoch " +
                    std::to_string(manifest.position.epoch) + ", batch " +
                    std::to_string(manifest.position.batch) + "\n";
  for (const auto& file : manifest.files) {
    out += "  " + file.name + "  " + std::to_string(file.size) + " bytes  XXH3 " + file.hash + "\n";
    if (file.name.ends_with(".safetensors")) out += tensors_text(checkpoint / file.name);
  }
  return out + "noted by the writer:\n" +
         manifest.meta.dump(2, ' ', false, config::Json::error_handler_t::replace) + "\n";
}

}  // namespace dtrain::run
