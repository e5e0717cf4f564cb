#include "image/images_module.h"

#include <dlfcn.h>

#include <string>

#include "util/check.h"

namespace dtrain::image {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModuleFile = "dtrain_images.so";

Error missing_module(const std::string& cause) {
  return {ExitCode::kMissing,
          "the module for WebP, BMP, TIFF, PNM, JPEG 2000 and GIF",
          cause,
          "apt-get install libopencv-imgcodecs-dev libgif-dev and build again, or convert such "
          "images to JPEG or PNG"};
}

}  // namespace

std::vector<fs::path> module_places() {
  std::vector<fs::path> places;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) places.push_back(program.parent_path() / kModuleFile);
  places.push_back(fs::path(DTRAIN_MODULE_FOLDER) / kModuleFile);
  return places;
}

DtrainImagesDecode load_images_module(const std::vector<fs::path>& places) {
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (!fs::exists(place, ignored)) continue;
    // It is never closed: its libraries would not survive that.
    void* module = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) {
      const char* cause = ::dlerror();
      throw missing_module(std::string("cannot be loaded: ") + (cause != nullptr ? cause : ""));
    }
    const auto version =
        reinterpret_cast<DtrainImagesVersion>(::dlsym(module, DTRAIN_IMAGES_VERSION_NAME));
    const auto decode =
        reinterpret_cast<DtrainImagesDecode>(::dlsym(module, DTRAIN_IMAGES_DECODE_NAME));
    if (version == nullptr || decode == nullptr || version() != kDtrainImagesVersion) {
      throw missing_module(place.string() + " is of another version of dtrain");
    }
    return decode;
  }
  throw missing_module("is not beside the program: copy it from the build folder (looked for " +
                       places.front().string() + ")");
}

DtrainImagesDecode images_module() {
  static const DtrainImagesDecode decode = load_images_module(module_places());
  return decode;
}

}  // namespace dtrain::image
