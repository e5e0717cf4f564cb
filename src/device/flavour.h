// Which of the two programs this is; the part of device.h that needs no torch.
#pragma once

namespace dtrain::device {

// Whether this program can use GPUs, whether or not one is visible.
bool supports_gpus();

// What to try in a program that was built for CPUs only.
inline constexpr const char* kGpuProgramAdvice =
    "launch/setup.sh --cuda && launch/build.sh cuda builds it for GPUs";

}  // namespace dtrain::device
