// loader_bench --data FOLDER|PACK --size S --workers W --seconds T [--augment STEP] [--exact]
// [--eval]: images per second of the loader alone, a random part resized and flipped, as one line
// of JSON. compare_loader.py runs it beside Python's DataLoader. --eval: the middle of the picture,
// brought to S; size 0: images as they are.
#include <ATen/ATen.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "data/datasets/dataset_registry.h"
#include "data/loader/data_loader.h"
#include "data/transforms/factory.h"
#include "util/check.h"
#include "util/timer.h"

// Of this process, shared pages counted in proportion.
static double pss_mb() {
  std::ifstream in("/proc/self/smaps_rollup");
  for (std::string word; in >> word;) {
    double kib = 0;
    if (word == "Pss:" && in >> kib) return kib / 1024;
  }
  return 0;
}

int main(int argc, char** argv) {
  using namespace dtrain;
  std::string folder;
  int64_t size = 224, workers = 1;
  double limit = 4;
  data::TransformConfig transforms;
  bool training = true;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--data") folder = value;
    if (flag == "--size") size = std::atoll(value);
    if (flag == "--workers") workers = std::atoll(value);
    if (flag == "--seconds") limit = std::atof(value);
    if (flag == "--augment") transforms.auto_augment = value;
    if (flag == "--exact") transforms.exact_decoding = true;
    if (flag == "--eval") training = false;
  }
  transforms.size = size;
  transforms.eval_resize = size;
  // What trains has LibTorch in memory, as Python's workers do: so it is part of pss_mb.
  const at::Tensor torch = at::zeros({1});
  try {
    data::DatasetConfig config;
    config.dataset = std::filesystem::is_directory(folder) ? "image_folder" : "pack";
    config.data_dir = folder;
    const auto opened = data::open_dataset(config, data::Split::kTrain);
    const data::Dataset& pictures = *opened;
    data::DataLoader loader(
        pictures,
        data::Sampler::training(pictures.size(), 32, true, 1, {0, 1}),
        {training ? data::make_train_view(transforms, {{0, 0, 0}, {1, 1, 1}}, pictures.shape())
                  : data::make_eval_view(transforms, pictures.shape())},
        {.workers = workers, .prefetch = 4, .seed = 1});
    int64_t images = 0;
    util::Timer timer;
    for (int64_t epoch = 0; epoch < 2 || timer.seconds() < limit; ++epoch) {
      if (epoch == 1) timer.reset();  // the first one warms up
      loader.start_epoch(epoch);
      while (const data::HostBatch* batch = loader.next()) images += epoch > 0 ? batch->size : 0;
    }
    std::printf(
        "{\"side\": \"dtrain\", \"workers\": %lld, \"images_per_second\": %.1f, "
        "\"pss_mb\": %.1f}\n",
        static_cast<long long>(workers),
        double(images) / timer.seconds(),
        pss_mb());
  } catch (const Error& error) {
    std::fprintf(stderr, "loader_bench: %s\n", error.what());
    return int(error.code());
  }
  return 0;
}
