// From u8 slots to normalised tensors; see Note [Host to device] in the header.
#include "data/loader/device_prefetcher.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <array>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "device/device.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

// Pixels that a thread takes at once: less would not pay for waking it.
constexpr int64_t kGrainPixels = 256 * 1024;

// All 256 results of one channel.
template <class T>
using Table = std::array<T, 256>;

template <class T>
std::vector<Table<T>> make_tables(const Normalization& normalization) {
  std::vector<Table<T>> tables(normalization.mean.size());
  for (size_t c = 0; c < tables.size(); ++c) {
    const T mean = static_cast<T>(normalization.mean[c]),
            std = static_cast<T>(normalization.std[c]);
    for (size_t v = 0; v < 256; ++v) {
      tables[c][v] = (static_cast<T>(v) / static_cast<T>(255) - mean) / std;
    }
  }
  return tables;
}

// The usual numbers of channels are known to the compiler (kChannels > 0), which unrolls the inner
// loop.
template <class T, int64_t kChannels>
void look_up(
    const uint8_t* from, T* to, int64_t begin, int64_t end, const std::vector<Table<T>>& tables) {
  const int64_t channels = kChannels > 0 ? kChannels : static_cast<int64_t>(tables.size());
  const Table<T>* table = tables.data();
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t c = 0; c < channels; ++c) {
      to[i * channels + c] = table[c][from[i * channels + c]];
    }
  }
}

template <class T>
void normalize_pixels(const uint8_t* from,
                      T* to,
                      int64_t pixels,
                      const Normalization& normalization) {
  const std::vector<Table<T>> tables = make_tables<T>(normalization);
  auto body = look_up<T, 0>;
  if (tables.size() == 1) body = look_up<T, 1>;
  if (tables.size() == 3) body = look_up<T, 3>;
  at::parallel_for(0, pixels, kGrainPixels, [&](int64_t begin, int64_t end) {
    body(from, to, begin, end, tables);
  });
}

at::Tensor copy_of(const std::vector<int64_t>& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  if (!values.empty()) {
    std::memcpy(tensor.data_ptr<int64_t>(), values.data(), values.size() * sizeof(int64_t));
  }
  return tensor;
}

}  // namespace

at::Tensor normalize_images(const uint8_t* images,
                            int64_t size,
                            const ImageShape& shape,
                            const Normalization& normalization,
                            at::ScalarType dtype) {
  check(static_cast<int64_t>(normalization.mean.size()) == shape.channels &&
            static_cast<int64_t>(normalization.std.size()) == shape.channels,
        "one mean and one standard deviation per channel");
  check(dtype == at::kFloat || dtype == at::kDouble, "images are float32 or float64");
  at::Tensor result = at::empty({size, shape.channels, shape.height, shape.width},
                                at::TensorOptions().dtype(dtype),
                                at::MemoryFormat::ChannelsLast);
  const int64_t pixels = size * shape.height * shape.width;
  if (dtype == at::kFloat) {
    normalize_pixels(images, result.data_ptr<float>(), pixels, normalization);
  } else {
    normalize_pixels(images, result.data_ptr<double>(), pixels, normalization);
  }
  return result;
}

struct DevicePrefetcher::Impl {
  DataLoader& loader;
  const Normalization normalization;
  const at::ScalarType dtype;

  Impl(DataLoader& loader_, Normalization normalization_, at::ScalarType dtype_)
      : loader(loader_), normalization(std::move(normalization_)), dtype(dtype_) {}
  virtual ~Impl() = default;
  virtual void start_epoch(int64_t epoch, int64_t first_batch) {
    loader.start_epoch(epoch, first_batch);
  }
  virtual std::optional<Batch> next() {
    const HostBatch* host = loader.next();
    if (!host) return std::nullopt;
    return Batch{
        normalize_images(host->images, host->views * host->size, host->shape, normalization, dtype),
        copy_of(host->targets),
        copy_of(host->ids),
        host->index,
        host->global_size};
  }
};

namespace {

class PinnedSlotAllocator : public SlotAllocator {
 public:
  explicit PinnedSlotAllocator(c10::Device gpu) : gpu_(gpu) {}
  uint8_t* allocate(size_t bytes) override {
    return static_cast<uint8_t*>(device::allocate_pinned(bytes, gpu_));
  }
  void release(uint8_t* slot, size_t) noexcept override { device::free_pinned(slot); }

 private:
  c10::Device gpu_;
};

// (C) -> (1, C, 1, 1) on the device.
at::Tensor per_channel(const std::vector<double>& values,
                       c10::Device device,
                       at::ScalarType dtype) {
  const auto channels = static_cast<int64_t>(values.size());
  return at::tensor(values, at::kDouble).to(device, dtype).view({1, channels, 1, 1});
}

}  // namespace

// Streams and events are LibTorch's for any device: this compiles where there are no CUDA headers.
struct DevicePrefetcher::GpuImpl : Impl {
  const c10::Device device;
  const c10::impl::VirtualGuardImpl streams;
  const c10::Stream side;
  at::Tensor mean, std;
  std::optional<Batch> ahead;  // being copied
  c10::Event copied;           // the slot of `ahead` has been read
  c10::Event prepared;         // the tensors of `ahead` are ready

  GpuImpl(DataLoader& loader_,
          Normalization normalization_,
          c10::Device device_,
          at::ScalarType dtype_)
      : Impl(loader_, std::move(normalization_), dtype_),
        device(device_),
        streams(device_.type()),
        side(streams.getStreamFromGlobalPool(device_)),
        copied(device_.type()),
        prepared(device_.type()) {
    const c10::StreamGuard on_side(side);
    mean = per_channel(normalization.mean, device, dtype);
    std = per_channel(normalization.std, device, dtype);
  }
  // The slots may not go away under a copy. An error of the GPU has been thrown by what met it
  // first.
  ~GpuImpl() override {
    try {
      copied.synchronize();
    } catch (const std::exception&) {
    }
  }

  // Starts the copy of the loader's next batch. The loader takes back the slot of the batch before,
  // so that one must have been read: it has long been, unless training waits for data anyway.
  void copy_ahead() {
    copied.synchronize();
    ahead.reset();
    const HostBatch* host = loader.next();
    if (!host) return;
    const c10::StreamGuard on_side(side);
    const auto [height, width, channels] = host->shape;
    const int64_t count = host->views * host->size;
    at::Tensor pixels = at::empty({count, height, width, channels},
                                  at::TensorOptions().dtype(at::kByte).device(device));
    if (count > 0) {
      const at::Tensor slot = at::from_blob(
          const_cast<uint8_t*>(host->images), pixels.sizes(), at::TensorOptions().dtype(at::kByte));
      pixels.copy_(slot, /*non_blocking=*/true);
    }
    copied.record(side);
    // (B, H, W, C) contiguous seen as (B, C, H, W) is channels-last already.
    at::Tensor images = pixels.permute({0, 3, 1, 2}).to(dtype).div_(255).sub_(mean).div_(std);
    // From ordinary memory CUDA has read the source when the call returns; waiting for the copy to
    // arrive, as the blocking form does, would hold up the step.
    const at::Tensor targets = copy_of(host->targets).to(device, at::kLong, /*non_blocking=*/true);
    prepared.record(side);
    ahead = Batch{images, targets, copy_of(host->ids), host->index, host->global_size};
  }

  void start_epoch(int64_t epoch, int64_t first_batch) override {
    copied.synchronize();
    loader.start_epoch(epoch, first_batch);
    copy_ahead();
  }

  std::optional<Batch> next() override {
    if (!ahead) return std::nullopt;
    const c10::Stream training = streams.getStream(device);
    prepared.block(training);
    ahead->images.record_stream(training);
    ahead->targets.record_stream(training);
    Batch batch = std::move(*ahead);
    copy_ahead();
    return batch;
  }
};

SlotAllocator& slot_allocator_for(c10::Device device) {
  if (!device.is_cuda()) return aligned_slot_allocator();
  static PinnedSlotAllocator pinned(device);  // a process trains on one device
  return pinned;
}

DevicePrefetcher::DevicePrefetcher(DataLoader& loader,
                                   Normalization normalization,
                                   c10::Device device,
                                   at::ScalarType dtype)
    : loader_(loader) {
  if (device.is_cuda() && device::supports_gpus()) {
    impl_ = std::make_unique<GpuImpl>(loader, std::move(normalization), device, dtype);
    return;
  }
  if (!device.is_cpu()) {
    throw config_error("run.device",
                       "this build has no support for " + device.str(),
                       std::string(device::kGpuProgramAdvice) + "; or use --device cpu");
  }
  impl_ = std::make_unique<Impl>(loader, std::move(normalization), dtype);
}

DevicePrefetcher::~DevicePrefetcher() = default;

void DevicePrefetcher::start_epoch(int64_t epoch, int64_t first_batch) {
  impl_->start_epoch(epoch, first_batch);
}

std::optional<Batch> DevicePrefetcher::next() { return impl_->next(); }

}  // namespace dtrain::data
