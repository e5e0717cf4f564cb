// loader_bench --data FOLDER|PACK --size S --workers W --seconds T [--augment STEP] [--exact]
// [--eval]: images per second of the loader alone, a random part resized and flipped, as one line
// of JSON. `compare.py loader` runs it beside Python's DataLoader.
#include <cstdio>
#include <cstring>
#include <string>

#include "data/data_loader.h"
#include "data/datasets/image_folder.h"
#include "data/transforms/factory.h"
#include "util/check.h"
#include "util/timer.h"

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
  try {
    const data::ImageFolder pictures({.name = "bench",
                                      .root = folder,
                                      .split = "train",
                                      .class_split = "train",
                                      .limit = 0,
                                      .advice = "make_pictures writes some"});
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
    std::printf("{\"side\": \"dtrain\", \"workers\": %lld, \"images_per_second\": %.1f}\n",
                static_cast<long long>(workers),
                double(images) / timer.seconds());
  } catch (const Error& error) {
    std::fprintf(stderr, "loader_bench: %s\n", error.what());
    return int(error.code());
  }
  return 0;
}
