// dtrain pack.
#include <algorithm>
#include <cinttypes>
#include <string>
#include <thread>
#include <vector>

#include "cli/command_settings.h"
#include "cli/commands.h"
#include "cli/config_arguments.h"
#include "data/datasets/recognise.h"
#include "data/pack/pack.h"
#include "settings/run_config.h"
#include "util/check.h"
#include "util/log.h"
#include "util/text.h"
#include "util/timer.h"

namespace dtrain::cli {

namespace {

constexpr double kSecondsOnScreen = 0.2, kSecondsInFile = 10;  // between two lines of progress

struct PackSettings {
  settings::RunConfig run;
  data::PackConfig pack;
};

PackSettings read_settings(const Words& words) {
  const auto parsed = parse_command<data::PackConfig>(words);
  Arguments arguments{.config_file = parsed.config_file,
                      .overrides = parsed.of_run,
                      .positionals = parsed.positionals};
  take_data_or_config(arguments);
  return {settings::load_run_config(arguments.config_file, arguments.overrides), parsed.own};
}

bool is_given(const settings::RunConfig& config, const std::string& path) {
  return config::origin_of(config.origins, path) != config::kDefaultOrigin;
}

std::string size_text(int64_t bytes) {
  return bytes < 1e9 ? util::formatted("%.1f MB", double(bytes) / 1e6)
                     : util::formatted("%.1f GB", double(bytes) / 1e9);
}

// "Pack: 1200/9866 ( 12%)  Speed: 2310/s  Size: 61.2 MB  ETA: 0:00:04", now and then.
class Progress {
 public:
  void operator()(int64_t done, int64_t total, int64_t bytes) {
    const double now = timer_.seconds();
    const double pause = util::log().has_screen() ? kSecondsOnScreen : kSecondsInFile;
    if (now - last_ < pause && done < total) return;
    last_ = now;
    const double speed = double(done) / std::max(now, 1e-3);
    util::log_progress(util::formatted("Pack: %" PRId64 "/%" PRId64
                                       " (%3.0f%%)  Speed: %.0f/s  Size: %s  ETA: %s",
                                       done,
                                       total,
                                       100.0 * double(done) / double(total),
                                       speed,
                                       size_text(bytes).c_str(),
                                       util::clock_text(double(total - done) / speed).c_str()));
  }
  double seconds() const { return timer_.seconds(); }

 private:
  util::Timer timer_;
  double last_ = 0;
};

void print_report(const data::PackReport& report, const std::string& output, double seconds) {
  const std::string splits = util::joined(report.splits, ", ", [](const auto& split) {
    return split.name + " " + std::to_string(split.samples);
  });
  if (report.reused > 0) {
    util::log_info("Taken from an interrupted packing: " + std::to_string(report.reused));
  }
  for (const std::string& bad : report.bad) util::log_warning("left out " + bad);
  if (!report.bad.empty()) util::log_info("Left out: " + std::to_string(report.bad.size()));
  util::log_info("Packed: " + splits + "; " + size_text(report.bytes) +
                 util::formatted(" in %.1f s: ", seconds) + output);
}

}  // namespace

std::string pack_flags() { return own_flags<data::PackConfig>(); }

int run_pack(const Words& words, dist::MpiScope*) {
  PackSettings settings = read_settings(words);
  settings::RunConfig& run = settings.run;
  if (!is_given(run, "run.output")) {
    throw usage_error("dtrain pack", "no --output", "name the HDF5 file to write: --output FILE");
  }
  data::settle(run.data);
  int64_t threads = std::max<int64_t>(1, run.loader.workers);
  if (!is_given(run, "loader.workers")) threads = std::max(1U, std::thread::hardware_concurrency());
  util::log().set_terminal(stdout);
  const std::vector<data::NamedSplit> splits = data::open_all_splits(run.data);
  std::vector<data::PackSource> sources;
  for (const data::NamedSplit& split : splits) {
    sources.push_back({split.name, split.dataset.get()});
  }
  Progress progress;
  const data::PackReport report =
      data::pack(sources,
                 {.output = run.run.output,
                  .size = settings.pack.size,
                  .exact = run.transforms.exact_decoding,
                  .skip_bad = settings.pack.skip_bad,
                  .statistics = data::statistics_of(data::find_dataset(run.data.dataset),
                                                    *sources.front().dataset),
                  .threads = threads,
                  .on_progress = [&](int64_t done, int64_t total, int64_t bytes) {
                    progress(done, total, bytes);
                  }});
  print_report(report, run.run.output, progress.seconds());
  return 0;
}

}  // namespace dtrain::cli
