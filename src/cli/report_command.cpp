// dtrain report.
#include <filesystem>
#include <string>

#include "checkpoint/resume.h"
#include "cli/command_settings.h"
#include "cli/commands.h"
#include "report/ensemble_page.h"
#include "report/run_page.h"
#include "report/vote_record.h"
#include "settings/run_config.h"
#include "settings/run_folder.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::cli {

struct ReportSettings {
  int64_t hardest = 24;
};

template <class V>
void fields(V& v, ReportSettings& c) {
  using namespace config;
  v("hardest", c.hardest, between(0, 1'000), "Samples on a contact sheet.");
}

namespace {

namespace fs = std::filesystem;

constexpr const char* kReportUsage =
    "usage: dtrain report RUN_OR_ENSEMBLE [--output PAGE.html] [flags]";

struct Page {
  std::string html;
  fs::path folder;  // of what it is about
};

// A run, an ensemble's folder, or a vote with its record.
Page page_of(const fs::path& subject, const report::PageOptions& options) {
  const bool is_file = fs::is_regular_file(subject);
  const fs::path vote = is_file ? subject : subject / "vote.h5";
  if (fs::exists(report::vote_record_path(vote)) && fs::exists(vote)) {
    return {report::ensemble_page(vote, options).text(), vote.parent_path()};
  }
  if (!is_file && fs::exists(settings::RunFolder{subject}.config())) {
    return {report::run_page(subject, options).text(), subject};
  }
  throw io_error(subject.string(),
                 is_file ? "has no record of a vote beside it"
                         : "is neither a run nor an ensemble that has voted",
                 "name the folder of a run or of an ensemble, or what dtrain vote wrote");
}

// best and last stand for the newest run that has a checkpoint; a checkpoint for its run.
fs::path subject_of(const std::string& request) {
  const bool is_word = (request == "best" || request == "last") && !fs::exists(request);
  if (!is_word && !fs::exists(fs::path(request) / "manifest.json")) return request;
  const fs::path checkpoint = checkpoint::find_checkpoint(request, settings::RunSection().output);
  const auto run = settings::run_folder_of(checkpoint);
  return run ? run->path : fs::path(request);
}

}  // namespace

std::string report_flags() { return own_flags<ReportSettings>(); }

int run_report(const Words& words, dist::MpiScope*) {
  auto parsed = parse_command<ReportSettings>(words);
  fs::path output = parsed.take("run.output");
  if (parsed.positionals.size() != 1 || !parsed.config_file.empty()) {
    throw usage_error("dtrain report",
                      parsed.positionals.size() != 1
                          ? std::to_string(parsed.positionals.size()) + " folders"
                          : "there is no --config",
                      kReportUsage);
  }
  util::log().set_terminal(stdout);
  if (!output.empty()) util::expect_writable(output);
  const Page page = page_of(subject_of(parsed.positionals.front()),
                            {.hardest = parsed.own.hardest, .of_run = std::move(parsed.of_run)});
  if (output.empty()) output = page.folder / "report.html";
  util::write_file_atomic(output, page.html);
  util::log_info("Wrote: " + output.string());
  return 0;
}

}  // namespace dtrain::cli
