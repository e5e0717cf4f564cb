#include "callbacks/failed_update_report.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <string>

#include "config/json.h"
#include "render/png.h"
#include "util/atomic_file.h"

namespace dtrain::callbacks {
namespace {

// The batch back to pixels, each channel from its darkest to its brightest value; NaN is black.
render::Image contact_sheet(const at::Tensor& batch) {
  const at::Tensor images = batch.detach().to(at::kCPU, at::kFloat).contiguous();
  // One NaN or infinity would leave nothing of its channel.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const at::Tensor finite = images.isfinite();
  const at::Tensor low = images.where(finite, kInfinity).amin({0, 2, 3}, true);
  const at::Tensor high = images.where(finite, -kInfinity).amax({0, 2, 3}, true);
  const at::Tensor pixels =
      ((images - low) / (high - low).clamp_min(1e-12) * 255).nan_to_num(0, 255, 0);
  const int64_t count = images.size(0), channels = images.size(1) == 3 ? 3 : 1;
  const int64_t height = images.size(2), width = images.size(3);
  const auto columns = int64_t(std::ceil(std::sqrt(double(count))));
  const int64_t rows = (count + columns - 1) / columns;
  at::Tensor sheet = at::zeros({rows * height, columns * width, channels}, at::kByte);
  for (int64_t i = 0; i < count; ++i) {
    const at::Tensor tile = pixels[i].narrow(0, 0, channels).permute({1, 2, 0});
    sheet.narrow(0, i / columns * height, height).narrow(1, i % columns * width, width).copy_(tile);
  }
  const uint8_t* bytes = sheet.const_data_ptr<uint8_t>();
  return {columns * width, rows * height, channels, {bytes, bytes + sheet.numel()}};
}

}  // namespace

void write_failed_update(const std::filesystem::path& folder, const train::FailedUpdate& failed) {
  util::make_folders(folder);
  const std::string name =
      "step-" + std::to_string(failed.step) + "-rank" + std::to_string(failed.rank);
  config::Json text;
  text["step"] = failed.step;
  text["epoch"] = failed.epoch;
  text["rank"] = failed.rank;
  // JSON has no NaN; printed, it may have a sign.
  text["loss_sum"] = std::isnan(failed.loss_sum) ? "nan" : std::to_string(failed.loss_sum);
  text["loss_scale"] = failed.loss_scale;
  text["lr"] = failed.lr;
  text["samples"] = failed.samples;
  util::write_file_atomic(folder / (name + ".json"), text.dump(2) + "\n");
  if (failed.images.size(0) > 0) {
    render::write_png(folder / (name + ".png"), contact_sheet(failed.images));
  }
}

}  // namespace dtrain::callbacks
