// What launch/mpirun.sh does, without it: the program may be installed elsewhere.
// tests/integration/relaunch_test.py compares the two lists of flags and variables.
#include "cli/relaunch.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/child_command.h"
#include "device/flavour.h"
#include "util/check.h"
#include "util/control_groups.h"
#include "util/text.h"

namespace dtrain::cli {
namespace {

constexpr int64_t kMostRanks = 1024;

// Defaults for what the user has not set; launch/env.sh has the reason of each.
constexpr std::array<std::pair<const char*, const char*>, 7> kLaunchEnvironment = {{
    {"OMPI_MCA_pml", "ob1"},
    {"OMPI_MCA_btl", "self,vader,tcp"},
    {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"},
    {"MALLOC_MMAP_THRESHOLD_", "1073741824"},
    {"MALLOC_TRIM_THRESHOLD_", "2147483647"},
    {"MALLOC_TOP_PAD_", "268435456"},
    {"NCCL_DEBUG", "WARN"},
}};

const char* flag_of(const RankRequest& request) { return request.on_gpus ? "--gpus" : "--ranks"; }

// DTRAIN_OVERSUBSCRIBE as launch/mpirun.sh reads it.
bool may_oversubscribe() {
  const char* text = std::getenv("DTRAIN_OVERSUBSCRIBE");
  return text != nullptr && *text != '\0' && std::string_view(text) != "0";
}

RankRequest read_request(bool on_gpus, const std::string& value) {
  RankRequest request{.on_gpus = on_gpus};
  if (on_gpus && value == "all") return request;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, request.count);
  if (error != std::errc() || stop != end || request.count < 1 || request.count > kMostRanks) {
    throw usage_error(flag_of(request),
                      "takes a whole number from 1 to " + std::to_string(kMostRanks) +
                          (on_gpus ? ", or all" : "") + ", but got \"" + value + "\"",
                      std::string("for example ") + flag_of(request) + " 2");
  }
  return request;
}

// The number of ranks, where this machine can run them.
int64_t ranks_for(const RankRequest& request) {
  int64_t count = request.count;
  if (request.on_gpus) {
    if (!device::supports_gpus()) {
      throw config_error("--gpus",
                         "this dtrain was built for CPUs only",
                         std::string(device::kGpuProgramAdvice) + "; or use --ranks");
    }
    const int64_t gpus = visible_gpus(std::getenv("CUDA_VISIBLE_DEVICES"));
    if (count == 0) count = gpus;
    if (gpus == 0 || count > gpus) {
      throw config_error("--gpus",
                         gpus == 0
                             ? "no GPU is visible"
                             : std::to_string(count) + " were asked for, and " +
                                   std::to_string(gpus) + (gpus == 1 ? " is" : " are") + " visible",
                         "check nvidia-smi and CUDA_VISIBLE_DEVICES");
    }
  }
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const bool known = ::sched_getaffinity(0, sizeof mask, &mask) == 0;
  int64_t processors = known ? CPU_COUNT(&mask) : count;
  // Inside a job or a container fewer are granted than the mask shows.
  if (const auto granted = util::granted_processors()) {
    processors = std::min(processors, *granted);
  }
  if (count > processors && !may_oversubscribe()) {
    throw config_error(flag_of(request),
                       std::to_string(count) + " ranks on " + std::to_string(processors) +
                           (processors == 1 ? " processor" : " processors") +
                           " would wait for each other",
                       "start fewer; DTRAIN_OVERSUBSCRIBE=1 allows it, for tests");
  }
  return count;
}

}  // namespace

std::optional<RankRequest> take_rank_request(Words& words) {
  std::optional<RankRequest> request;
  const auto end = [&] { return std::find(words.begin(), words.end(), "--"); };
  for (auto word = words.begin(); word != end();) {
    const size_t equals = word->find('=');
    const std::string name = word->substr(0, equals);
    if (name != "--gpus" && name != "--ranks") {
      ++word;
      continue;
    }
    if (request) {
      throw usage_error(name, "stands beside " + std::string(flag_of(*request)), "give one number");
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word->substr(equals + 1);
    } else if (word + 1 != end()) {
      word = words.erase(word);
      value = *word;
    }
    word = words.erase(word);
    request = read_request(name == "--gpus", value);
  }
  return request;
}

int64_t visible_gpus(const char* cuda_visible_devices, const std::filesystem::path& device_files) {
  int64_t count = 0;
  if (cuda_visible_devices != nullptr) {
    std::string_view rest = cuda_visible_devices;
    while (true) {
      std::string entry(rest.substr(0, rest.find(',')));
      std::erase(entry, ' ');
      if (!util::is_digits(entry) && !entry.starts_with("GPU-") && !entry.starts_with("MIG-"))
        break;
      ++count;
      if (rest.find(',') == std::string_view::npos) break;
      rest.remove_prefix(rest.find(',') + 1);
    }
    return count;
  }
  std::error_code unreadable;
  for (const auto& file : std::filesystem::directory_iterator(device_files, unreadable)) {
    const std::string name = file.path().filename();
    count += name.starts_with("nvidia") && util::is_digits(name.substr(6));
  }
  return count;
}

// Note [This machine]
// mpirun takes its hosts from the allocation of a batch system or from a hostfile: it would start
// ranks elsewhere, or refuse because a job of one task has one slot. --host, and a launch without
// the batch system, leave this machine with as many slots as there are ranks.
Words mpirun_command(const std::string& program,
                     const Invocation& invocation,
                     const RankRequest& request) {
  if (std::find(invocation.words.begin(), invocation.words.end(), ":") != invocation.words.end()) {
    throw usage_error(
        flag_of(request), "mpirun would cut the command line at \":\"", "write ./: or --flag=:");
  }
  const std::string count = std::to_string(request.count);
  Words out = {"mpirun", "--bind-to", "none", "--map-by", "slot", "--use-hwthread-cpus"};
  const auto add = [&out](const Words& words) {
    out.insert(out.end(), words.begin(), words.end());
  };
  if (::getuid() == 0) add({"--allow-run-as-root"});
  if (may_oversubscribe()) add({"--oversubscribe"});
  add({"--mca", "ras", "^slurm,gridengine,tm,lsf", "--mca", "plm", "^slurm,tm,lsf"});
  add({"--host", "localhost:" + count, "-np", count});
  add({program, invocation.command->name});
  if (request.on_gpus) add({"--device", "cuda"});
  add(invocation.words);
  return out;
}

std::optional<int> relaunch_if_asked(const Invocation& invocation, const dist::MpiScope* mpi) {
  Invocation inner = invocation;
  std::optional<RankRequest> request;
  const auto read = [&] {
    request = take_rank_request(inner.words);
    if (!request) return;
    if (mpi == nullptr) {
      throw usage_error(flag_of(*request),
                        std::string("dtrain ") + inner.command->name + " does not use ranks",
                        "leave it out");
    }
    if (mpi->launched()) {
      throw usage_error(
          flag_of(*request),
          "a launcher (mpirun, srun) has already started " + std::to_string(mpi->size()) + " ranks",
          std::string("leave out ") + flag_of(*request) + " or the launcher");
    }
  };
  mpi == nullptr ? read() : dist::together(*mpi, read);
  if (!request) return std::nullopt;
  request->count = ranks_for(*request);
  for (const auto& [name, value] : kLaunchEnvironment) ::setenv(name, value, /*overwrite=*/0);
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  return run_child_command(mpirun_command(program, inner, *request));
}

}  // namespace dtrain::cli
