// pack_bench --data-dir DIR --pack FILE --size S --threads T --seconds N: images per second in
// random order, from a folder (read, decoded, the middle cut out) and from the pack that was made
// of it with `dtrain pack --size S`, as one line of JSON.
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "data/datasets/image_folder.h"
#include "data/framing.h"
#include "data/pack/pack_dataset.h"
#include "util/check.h"
#include "util/random.h"
#include "util/timer.h"

namespace {

using namespace dtrain;

// Each thread goes through an order of its own; two rounds at least, of which the first warms up.
double images_per_second(const data::Dataset& dataset,
                         const data::FramingParameters* framing,
                         int64_t threads,
                         double seconds) {
  std::vector<double> rates(static_cast<size_t>(threads));
  const auto work = [&](int64_t thread) {
    data::Sample sample;
    data::FramingScratch scratch;
    util::CounterRng rng(1, util::RandomStream::kAugment, 0, thread);
    const auto order = util::permutation(1, thread, dataset.size());
    int64_t images = 0;
    util::Timer timer;
    for (int64_t round = 0; round < 2 || timer.seconds() < seconds; ++round) {
      if (round == 1) timer.reset();
      for (const int64_t index : order) {
        dataset.read(index, sample);
        if (framing != nullptr) data::frame(*framing, sample, scratch, rng);
        images += round > 0;
      }
    }
    rates[size_t(thread)] = double(images) / timer.seconds();
  };
  std::vector<std::thread> running;
  for (int64_t t = 0; t < threads; ++t) running.emplace_back(work, t);
  for (std::thread& thread : running) thread.join();
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder, file;
  int64_t size = 128, threads = 1;
  double seconds = 3;
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string flag = argv[i], value = argv[i + 1];
    if (flag == "--data-dir") folder = value;
    if (flag == "--pack") file = value;
    if (flag == "--size") size = std::stoll(value);
    if (flag == "--threads") threads = std::stoll(value);
    if (flag == "--seconds") seconds = std::stod(value);
  }
  try {
    const data::ImageFolder pictures({.name = "bench",
                                      .root = folder,
                                      .split = "train",
                                      .class_split = "train",
                                      .limit = 0,
                                      .advice = "make_pictures writes some"});
    const util::Timer timer;
    const data::PackDataset pack({.name = "bench",
                                  .file = file,
                                  .split = "train",
                                  .limit = 0,
                                  .advice = "dtrain pack makes it"});
    const double opening = timer.seconds();
    const data::FramingParameters framing{.shape = {size, size, 3}, .resize = size};
    const double decoded = images_per_second(pictures, &framing, threads, seconds);
    const double packed = images_per_second(pack, nullptr, threads, seconds);
    std::printf(
        "{\"threads\": %lld, \"folder\": %.0f, \"pack\": %.0f, \"times\": %.1f, "
        "\"pack_opened_in_s\": %.4f}\n",
        static_cast<long long>(threads),
        decoded,
        packed,
        packed / decoded,
        opening);
  } catch (const Error& error) {
    std::fprintf(stderr, "pack_bench: %s\n", error.what());
    return int(error.code());
  }
  return 0;
}
