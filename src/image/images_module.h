// Loads the module that decodes what the program itself does not (module/module.h).
#pragma once

#include <filesystem>
#include <vector>

#include "image/module/module.h"

namespace dtrain::image {

// Where the module may stand: beside the program, and where it was built.
std::vector<std::filesystem::path> module_places();

// The function of the first place that has the file. Throws Error(kMissing) with the package to
// install where there is none or its libraries are not there.
DtrainImagesDecode load_images_module(const std::vector<std::filesystem::path>& places);

// That of module_places(), loaded once; a failure is tried again with the next image.
DtrainImagesDecode images_module();

}  // namespace dtrain::image
