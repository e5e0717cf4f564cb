// Times training steps with the parts of a real run, on one batch; prints one JSON line.
//
// usage: [mpirun -np N] train_step_bench [--batch-size B] [--steps S] [--warmup W] [--threads T]
//        [--model resnet18] [--width W] [--channels 1] [--size 28] [--classes 10]
//        [--device cpu|cuda] [--precision bfloat16|float32] [--sync-bn] [--world V]
//        [--shared-memory auto|off]
// --world V: the deterministic world of V virtual ranks, with batch norm over all of them.
// exchange_percent: what small messages through shared memory took of a step, without waiting for
// the other ranks. compare.py runs it beside the same steps in Python, and tests/gpu/check.py on a
// GPU, where the steps follow each other without a wait and the time is their mean.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <malloc.h>

#include <torch/cuda.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "device/device.h"
#include "dist/gradient_reducer.h"
#include "dist/mpi_scope.h"
#include "dist/ordered_reducer.h"
#include "dist/rendezvous.h"
#include "models/registry.h"
#include "nn/batch_norm.h"
#include "nn/conversion.h"
#include "nn/virtual_shards.h"
#include "optim/optimizer_factory.h"
#include "tasks/supervised_task.h"
#include "train/autocast.h"
#include "util/timer.h"

namespace dtrain {
namespace {

struct Options {
  int64_t batch_size = 128, steps = 20, warmup = 5, threads = 2;
  int64_t channels = 1, size = 28, classes = 10;
  std::string model = "resnet18", device = "cpu";
  std::string precision = "bfloat16";
  bool sync_bn = false;
  int64_t world = 0, width = 64;
  dist::DistConfig dist;
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--sync-bn") {
      o.sync_bn = true;
    } else if (i + 1 < argc) {
      const char* value = argv[++i];
      if (flag == "--batch-size") o.batch_size = std::atoll(value);
      if (flag == "--steps") o.steps = std::atoll(value);
      if (flag == "--warmup") o.warmup = std::atoll(value);
      if (flag == "--threads") o.threads = std::atoll(value);
      if (flag == "--channels") o.channels = std::atoll(value);
      if (flag == "--size") o.size = std::atoll(value);
      if (flag == "--classes") o.classes = std::atoll(value);
      if (flag == "--model") o.model = value;
      if (flag == "--device") o.device = value;
      if (flag == "--precision") o.precision = value;
      if (flag == "--world") o.world = std::atoll(value);
      if (flag == "--width") o.width = std::atoll(value);
      if (flag == "--shared-memory") o.dist.shared_memory = value;
    }
  }
  return o;
}

at::Device bench_device(const Options& o, const dist::MpiScope& mpi) {
  if (o.device == "cpu") return at::kCPU;
  if (!device::supports_gpus() ||
      mpi.host_rank() >= static_cast<int>(torch::cuda::device_count())) {
    std::fprintf(stderr, "train_step_bench: no GPU for this rank; build the cuda flavour\n");
    std::exit(64);
  }
  const at::Device gpu(at::kCUDA, static_cast<c10::DeviceIndex>(mpi.host_rank()));
  device::select_gpu(gpu);
  return gpu;
}

data::Batch bench_batch(const Options& o, at::Device device, int64_t ranks) {
  data::Batch batch;
  batch.images = at::rand({o.batch_size, o.channels, o.size, o.size})
                     .to(device)
                     .contiguous(at::MemoryFormat::ChannelsLast);
  batch.targets = at::randint(0, o.classes, {o.batch_size}, at::kLong).to(device);
  batch.ids = at::arange(o.batch_size);
  batch.global_size = o.batch_size * ranks;
  return batch;
}

void run(const Options& o, const dist::MpiScope& mpi) {
  at::set_num_threads(static_cast<int>(o.threads));
  const at::Device device = bench_device(o, mpi);
  const auto precision = train::resolve_precision(o.precision, device);
  const dist::ProcessGroup group = dist::rendezvous(mpi, o.dist, device);
  models::ModelConfig config;
  config.name = o.model;
  config.zero_init_residual = true;
  config.width = o.width;
  auto model = models::create_model(
      models::resolve(
          config,
          {.channels = o.channels, .height = o.size, .width = o.size, .classes = o.classes}),
      0);
  model->to(device);
  nn::set_memory_format(*model, at::MemoryFormat::ChannelsLast);
  if (o.sync_bn || o.world > 0) nn::synchronise_batch_norm(*model, group);
  optim::OptimizerConfig rule;
  rule.lr = 0.01;
  rule.weight_decay = 5e-4;
  rule.no_decay_norm_bias = true;
  auto optimizer = optim::create_optimizer(*model, rule);
  std::shared_ptr<nn::VirtualShards> shards;
  std::unique_ptr<dist::GradientSync> gradients;
  if (o.world > 0) {
    shards = std::make_shared<nn::VirtualShards>(o.world, group.rank(), group.size());
    shards->adopt(*model);
    nn::set_virtual_shards(*model, shards);
    gradients =
        std::make_unique<dist::OrderedReducer>(model->parameters(), shards->leaves(), group);
  } else {
    gradients = std::make_unique<dist::GradientReducer>(*model, group, dist::DistConfig{});
  }
  tasks::LossConfig loss;
  loss.label_smoothing = 0.05;
  tasks::SupervisedTask task(loss);

  const data::Batch batch = bench_batch(o, device, group.size());
  if (shards) shards->start_batch(batch.global_size);
  std::vector<double> times, waits, exchanges;
  util::Timer since_warmup;
  for (int64_t step = 0; step < o.warmup + o.steps; ++step) {
    if (device.is_cuda() && step == o.warmup) {
      c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
      since_warmup = util::Timer();
    }
    util::Timer timer;
    const double waited = gradients->exposed_seconds() + group.waited_seconds();
    const double exchanged = group.exchanging_seconds();
    gradients->zero_grad();
    tasks::TaskOutput out;
    {
      train::AutocastScope autocast(precision, device);
      gradients->prepare_forward();
      out = task.forward(batch, *model);
    }
    gradients->backward(out.loss_sum / static_cast<double>(batch.global_size));
    optimizer->step();
    if (step < o.warmup) continue;
    times.push_back(timer.seconds());
    waits.push_back(gradients->exposed_seconds() + group.waited_seconds() - waited);
    exchanges.push_back((group.exchanging_seconds() - exchanged) / times.back());
  }
  std::sort(times.begin(), times.end());
  std::sort(waits.begin(), waits.end());
  std::sort(exchanges.begin(), exchanges.end());
  double median = times[times.size() / 2];
  if (device.is_cuda()) {  // the host was ahead: only the end of all steps tells their time
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
    median = since_warmup.seconds() / static_cast<double>(o.steps);
  }
  if (group.rank() == 0) {
    std::printf(
        "{\"side\": \"dtrain\", \"ranks\": %d, \"step_ms\": %.3f, \"comm_ms\": %.3f, "
        "\"exchange_percent\": %.2f, \"images_per_second\": %.1f}\n",
        mpi.size(),
        1e3 * median,
        1e3 * waits[waits.size() / 2],
        1e2 * exchanges[exchanges.size() / 2],
        static_cast<double>(batch.global_size) / median);
  }
}

}  // namespace
}  // namespace dtrain

int main(int argc, char** argv) {
  dtrain::dist::MpiScope mpi(&argc, &argv);
  dtrain::run(dtrain::parse(argc, argv), mpi);
}
