#include "run/doctor.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dist/gradient_reducer.h"
#include "dist/parameter_sync.h"
#include "dist/rendezvous.h"
#include "nn/batch_norm.h"
#include "render/table.h"
#include "run/agreement.h"
#include "run/components.h"
#include "run/data_choices.h"
#include "run/resolve.h"
#include "tasks/losses.h"
#include "util/atomic_file.h"
#include "util/folder_trial.h"
#include "util/text.h"
#include "util/timer.h"

namespace dtrain::run {
namespace {

enum class Level { kOk, kWarning, kFailure };

struct Finding {
  Level level = Level::kOk;
  std::string what;    // was found
  std::string advice;  // empty for kOk
  ExitCode code = ExitCode::kDone;
};

Finding warning(std::string what, std::string advice) {
  return {Level::kWarning, std::move(what), std::move(advice)};
}

// Longer than anything takes where the connections are sound, and short enough for a table within
// 30 s. Gloo waits five times as long for a connection.
constexpr double kPatienceSeconds = 10, kConnectSeconds = 3;

// What one step gives: the gradients and the running statistics, as one vector of doubles each.
struct StepResult {
  at::Tensor gradients, statistics;
};

at::Tensor joined(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& t : tensors)
    flat.push_back(t.detach().to(at::kCPU, at::kDouble).flatten());
  return at::cat(flat);
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).norm().item<double>() / std::max(b.norm().item<double>(), 1e-30);
}

class Doctor {
 public:
  Doctor(settings::RunConfig config, const dist::MpiScope& mpi)
      : config_(std::move(config)), mpi_(mpi) {
    config_.dist.timeout_s = std::min(config_.dist.timeout_s, kPatienceSeconds);
  }

  ExitCode run() {
    for (const std::string& host : mpi_.all_gather(mpi_.host())) hosts_.insert(host);
    check("launcher", [&] { return launcher(); });
    check("output folder", [&] { return output_folder(); });
    if (!check("settings", [&] { return settings(); })) return report();
    check("cores", [&] { return cores(); });
    check("device", [&] { return device(); });
    const bool has_data = check("data set", [&] { return data_set(); });
    const bool connected = check("connections", [&] { return connections(); });
    if (connected) {
      for (const double megabytes : {0.25, 4.0, 45.0}) {
        check(util::formatted("all-reduce %g MB", megabytes),
              [&] { return all_reduce(megabytes); });
      }
    }
    if (connected && has_data) check("one step", [&] { return one_step(); });
    return report();
  }

 private:
  // Runs a check on all ranks. What one of them throws is a failure for all; otherwise the finding
  // is that of the first rank with the worst. Returns whether there was no failure. A check that
  // makes MPI calls of its own makes them on all ranks, or throws on all.
  bool check(const std::string& name, const std::function<Finding()>& examine) {
    Finding finding;
    try {
      finding = dist::together(mpi_, examine);
    } catch (const Error& error) {
      finding = {
          Level::kFailure, error.subject() + ": " + error.cause(), error.advice(), error.code()};
    }
    const auto levels = mpi_.all_gather(int64_t(finding.level));
    const auto worst = int(std::max_element(levels.begin(), levels.end()) - levels.begin());
    finding.level = Level(levels[size_t(worst)]);
    finding.what = mpi_.broadcast(finding.what, worst);
    finding.advice = mpi_.broadcast(finding.advice, worst);
    if (worst != 0) finding.what = "rank " + std::to_string(worst) + ": " + finding.what;
    findings_.emplace_back(name, finding);
    return finding.level != Level::kFailure;
  }

  Finding launcher() const {
    const int64_t ranks = mpi_.size();
    const std::string what =
        util::formatted("%lld ranks on %zu hosts", static_cast<long long>(ranks), hosts_.size()) +
        (mpi_.launched() ? "" : ", no launcher");
    if (!mpi_.launched())
      return warning(what,
                     "for several ranks: dtrain doctor --ranks N, or mpirun -np N dtrain doctor");
    return {Level::kOk, what, ""};
  }

  Finding settings() {
    machine_ = this_machine(mpi_);
    omp_decides_ = config_.run.threads == 0 && config_.dist.deterministic_world == 0 &&
                   machine_.omp_threads > 0;
    settled_ = resolve(config_, machine_);
    settings::check_world(config_, mpi_.size());
    configure_arithmetic(config_);
    device_ = training_device(config_, machine_, mpi_);
    return {Level::kOk, "device " + config_.run.device + ", " + config_.train.precision, ""};
  }

  Finding cores() const {
    const std::string what =
        util::formatted("%lld cores a rank, %lld compute threads, %lld loader threads",
                        static_cast<long long>(machine_.cores),
                        static_cast<long long>(config_.run.threads),
                        static_cast<long long>(config_.loader.workers));
    if (config_.run.threads > machine_.cores) {
      if (omp_decides_) {
        return warning(what,
                       "OMP_NUM_THREADS=" + std::to_string(machine_.cores) + ", or --threads");
      }
      return warning(what, "fewer --threads, fewer ranks, or mpirun --bind-to none");
    }
    if (config_.run.threads < machine_.cores && config_.run.device == "cpu") {
      return warning(what, "idle cores: raise --threads, or OMP_NUM_THREADS, or start more ranks");
    }
    return {Level::kOk, what, ""};
  }

  // By what a GPU is, not by its number: a launcher may show each rank its own one as number 0.
  Finding device() const {
    const std::vector<std::string> all = mpi_.all_gather(device_identity(device_));
    std::string what;
    for (size_t rank = 0; rank < all.size(); ++rank) {
      if (rank == 0 || all[rank] != all[rank - 1]) {
        what += (rank == 0 ? "rank " : ", rank ") + std::to_string(rank) + ": " + all[rank];
      }
    }
    if (device_.is_cpu())
      return {Level::kOk, std::set(all.begin(), all.end()).size() == 1 ? all[0] : what, ""};
    for (size_t rank = 1; rank < all.size(); ++rank) {
      const auto first = std::find(all.begin(), all.end(), all[rank]) - all.begin();
      if (size_t(first) == rank) continue;
      const std::string shared =
          "ranks " + std::to_string(first) + " and " + std::to_string(rank) + " share " + all[rank];
      if (config_.dist.backend == "gloo") return warning(shared, "give each rank a GPU of its own");
      throw config_error("device",
                         shared + ", which NCCL refuses",
                         "start as many ranks a host as it has GPUs, or set dist.backend=gloo");
    }
    return {Level::kOk, what, ""};
  }

  // Rank 0 leaves a note, the others look for it.
  Finding output_folder() {
    const std::filesystem::path folder = config_.run.output;
    const std::filesystem::path note = folder / ".doctor";
    const std::string text = mpi_.broadcast(std::to_string(::getpid()));
    dist::together(mpi_, [&] {
      if (mpi_.rank() != 0) return;
      util::make_folders(folder);
      util::write_file_atomic(note, text);
    });
    bool seen = false;
    try {
      seen = util::read_file(note) == text;
    } catch (const Error&) {
    }
    const auto everyone = mpi_.all_gather(int64_t{seen});
    mpi_.barrier();
    if (mpi_.rank() == 0) std::filesystem::remove(note);
    for (size_t rank = 0; rank < everyone.size(); ++rank) {
      if (everyone[rank] != 0) continue;
      throw io_error(folder.string(),
                     "rank " + std::to_string(rank) + " does not see what rank 0 writes there",
                     "--output on a file system that all hosts share");
    }
    std::string missing;
    dist::together(mpi_, [&] {
      if (mpi_.rank() == 0) missing = util::missing_abilities(util::try_folder(folder));
    });
    if (!missing.empty()) {
      return warning(folder.string() + ", seen by all ranks; " + missing,
                     "nothing: files take their place");
    }
    return {Level::kOk, folder.string() + ", seen by all ranks", ""};
  }

  Finding data_set() {
    data_ = dist::together(mpi_, [&] {
      Data data = open_data(config_, mpi_.size());
      identify(data);
      return data;
    });
    model_ = dist::together(mpi_, [&] { return new_model(); });
    expect_agreement(facts_of(config_, data_.identity, *model_), mpi_);
    described_ = describe_data(config_, settled_, data_);
    const std::string found = std::to_string(data_.train->size()) + " training and " +
                              std::to_string(data_.eval->size()) +
                              " evaluation images, the same on all ranks";
    const std::vector<std::string> doubts = doubts_about(config_, data_);
    if (!doubts.empty()) return warning(found, util::joined(doubts, "; "));
    return {Level::kOk, found, ""};
  }

  Finding connections() {
    dist::DistConfig quick = config_.dist;
    quick.timeout_s = std::min(quick.timeout_s, kConnectSeconds);
    try {
      dist::rendezvous(mpi_, quick, device_);
    } catch (const dist::PeerFailed&) {
      throw;
    } catch (const Error& error) {
      throw Error(
          error.code(),
          error.subject(),
          error.cause(),
          "look for firewalls between the hosts; GLOO_SOCKET_IFNAME names another interface");
    }
    group_ = dist::rendezvous(mpi_, config_.dist, device_);
    const bool alone = mpi_.size() == 1 && device_.is_cpu();
    return {Level::kOk, alone ? "none needed" : device_.is_cuda() ? "nccl and gloo" : "gloo", ""};
  }

  // Rank r contributes r + 1, so every value of the sum is known.
  Finding all_reduce(double megabytes) {
    const auto count = int64_t(megabytes * 1e6 / 4);
    const auto options = at::TensorOptions().dtype(at::kFloat).device(device_);
    const double expected = double(mpi_.size()) * (mpi_.size() + 1) / 2;
    double best = 1e30;
    for (int repetition = 0; repetition < 3; ++repetition) {
      at::Tensor values = at::full({count}, mpi_.rank() + 1.0, options);
      group_->barrier();
      const util::Timer timer;
      group_->all_reduce_sum(values);
      const bool right = values.eq(expected).all().item<bool>();  // waits for the device
      best = std::min(best, timer.seconds());
      const auto verdicts = mpi_.all_gather(int64_t{right});
      if (std::count(verdicts.begin(), verdicts.end(), 1) < mpi_.size()) {
        throw Error(ExitCode::kDiverged,
                    "all-reduce",
                    "the sum of known numbers is wrong",
                    "check the memory and the network of the hosts");
      }
    }
    return {
        Level::kOk, util::formatted("%.2f ms, %.2f GB/s", 1e3 * best, megabytes * 1e-3 / best), ""};
  }

  // The first training images, without augmentation and cut to 32 pixels: gradients and running
  // statistics of one step, by all ranks together and by rank 0 alone. In float64, where a rounding
  // error does not flip a ReLU.
  Finding one_step() {
    const int64_t batch = mpi_.size() <= 64 ? 4 : 1;
    const StepResult together = step(batch, {mpi_.rank(), mpi_.size()}, &*group_);
    double errors[2] = {0, 0};
    if (mpi_.rank() == 0) {
      const StepResult alone = step(batch * mpi_.size(), {0, 1}, nullptr);
      errors[0] = relative_error(together.gradients, alone.gradients);
      errors[1] = relative_error(together.statistics, alone.statistics);
    }
    const std::string what =
        util::formatted("gradients differ by %.1e, statistics by %.1e", errors[0], errors[1]);
    // Without synchronised batch norm the ranks are meant to differ.
    const bool comparable = config_.dist.sync_bn;
    if (comparable && !(errors[0] < 1e-6 && errors[1] < 1e-9)) {
      throw Error(ExitCode::kDiverged,
                  "one step of " + std::to_string(mpi_.size()) + " ranks against one rank",
                  what,
                  "compare `dtrain --version` of the hosts; report this with their processors");
    }
    return {Level::kOk, what + (comparable ? "" : " (sync_bn is off)"), ""};
  }

  std::shared_ptr<nn::Classifier> new_model() const {
    return make_model(config_,
                      input_shape(config_, data_),
                      data_.train->num_classes(),
                      train::Precision::kFloat64,
                      device_);
  }

  StepResult step(int64_t batch_size, data::Shard shard, const dist::ProcessGroup* group) {
    data::DataLoader loader(
        *data_.train,
        data::Sampler::training(data_.train->size(), batch_size, true, 0, shard),
        {data::make_eval_view(config_.transforms, data_.train->shape())},
        {.workers = 0},
        data::slot_allocator_for(device_));
    data::DevicePrefetcher batches(loader, data_.normalization, device_, at::kDouble);
    const auto model = new_model();
    model->train();
    batches.start_epoch(0);
    data::Batch batch = batches.next().value();
    for (const int64_t side : {2, 3}) {
      const int64_t pixels = std::min<int64_t>(batch.images.size(side), 32);
      batch.images = batch.images.narrow(side, 0, pixels);
    }
    batch.images = batch.images.contiguous(at::MemoryFormat::ChannelsLast);
    const auto loss = [&] {
      return tasks::cross_entropy(model->forward(batch.images), batch.targets, 0.0) /
             static_cast<double>(batch.global_size);
    };
    if (group == nullptr) {
      loss().backward();
    } else {
      if (config_.dist.sync_bn) nn::synchronise_batch_norm(*model, *group);
      dist::GradientReducer reducer(*model, *group, config_.dist);
      reducer.zero_grad();
      reducer.prepare_forward();
      reducer.backward(loss());
    }
    return results_of(*model);
  }

  static StepResult results_of(const nn::Classifier& model) {
    std::vector<at::Tensor> gradients, statistics;
    for (const at::Tensor& p : model.parameters()) gradients.push_back(p.grad());
    for (const at::Tensor& b : model.buffers()) {
      if (b.is_floating_point()) statistics.push_back(b);
    }
    return {joined(gradients), joined(statistics)};
  }

  ExitCode report() const {
    ExitCode code = ExitCode::kDone;
    render::Table table({"check", "result", "found", "what to do"});
    for (const auto& [name, finding] : findings_) {
      const char* const names[] = {"ok", "warning", "FAILURE"};
      table.row({name, names[int(finding.level)], finding.what, finding.advice});
      if (finding.level == Level::kFailure && code == ExitCode::kDone) code = finding.code;
    }
    if (mpi_.rank() == 0) {
      for (const std::string& line : described_) std::printf("%s\n", line.c_str());
      std::fputs(table.text().c_str(), stdout);
      std::fflush(stdout);
    }
    return code;
  }

  settings::RunConfig config_;
  const dist::MpiScope& mpi_;
  Machine machine_;
  bool omp_decides_ = false;  // OMP_NUM_THREADS, on the number of threads
  c10::Device device_ = at::kCPU;
  std::set<std::string> hosts_;
  data::Settled settled_;
  std::vector<std::string> described_;  // the data, in lines
  Data data_;
  std::shared_ptr<nn::Classifier> model_;
  std::optional<dist::ProcessGroup> group_;
  std::vector<std::pair<std::string, Finding>> findings_;
};

}  // namespace

ExitCode examine(settings::RunConfig config, const dist::MpiScope& mpi) {
  return Doctor(std::move(config), mpi).run();
}

}  // namespace dtrain::run
