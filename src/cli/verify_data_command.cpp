// dtrain verify-data.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "cli/commands.h"
#include "cli/config_arguments.h"
#include "config/json.h"
#include "data/verify/verify_data.h"
#include "render/table.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/text.h"
#include "util/utf8.h"

namespace dtrain::cli {
namespace {

using data::Finding;
using data::VerifyReport;

constexpr int kJsonFormat = 1;

// Takes --json FILE or --json=FILE out of the words.
std::optional<std::string> take_json_file(Words& words) {
  std::optional<std::string> file;
  for (auto word = words.begin(); word != words.end() && *word != "--";) {
    if (*word != "--json" && !word->starts_with("--json=")) {
      ++word;
      continue;
    }
    if (file) throw usage_error("command line", "--json is given twice", "");
    const bool joined = *word != "--json";
    if (!joined && word + 1 == words.end()) {
      throw usage_error("command line", "--json is missing its value", "a file, or - for stdout");
    }
    file = joined ? word->substr(std::string("--json=").size()) : *(word + 1);
    word = words.erase(word, word + (joined ? 1 : 2));
  }
  return file;
}

std::string summary_text(const VerifyReport& report) {
  std::vector<std::string> header = {"", ""};
  for (const auto& split : report.splits) header.push_back(split.split);
  render::Table table(header);
  const auto row = [&](const char* name, const char* unit, const auto& value_of) {
    std::vector<std::string> cells = {name, unit};
    for (const auto& split : report.splits) cells.push_back(std::to_string(value_of(split)));
    table.row(cells);
  };
  row("samples", "", [](const auto& split) { return split.samples; });
  row("good", "", [](const auto& split) { return split.good; });
  row("classes", "", [](const auto& split) { return split.class_names.size(); });
  std::vector<std::string> sizes = {"MB", ""};
  for (const auto& split : report.splits) {
    sizes.push_back(util::formatted("%.1f", double(split.bytes) / 1e6));
  }
  table.row(sizes);
  table.rule();
  for (const auto& kind : data::finding_rows()) {
    const bool any = std::any_of(report.findings.begin(),
                                 report.findings.end(),
                                 [&](const Finding& finding) { return finding.kind == kind.kind; });
    if (!any) continue;
    row(kind.name, kind.meaning, [&](const auto& split) {
      return report.count(kind.kind, split.split);
    });
  }
  return table.text();
}

std::string report_text(const VerifyReport& report) {
  render::Table findings({"", "kind", "split", "where", "what"});
  for (const Finding& finding : report.findings) {
    findings.row({data::severity_name(finding.severity()),
                  data::finding_row(finding.kind).name,
                  finding.split,
                  util::printable(finding.where),
                  util::printable(finding.detail)});
  }
  std::string text = report.findings.empty() ? "" : findings.text() + "\n";
  text += "data set " + report.dataset + " in " + util::printable(report.folder) + "\n\n";
  text += summary_text(report) + "\n";
  const int64_t errors = report.count(data::Severity::kError);
  const char* can_start =
      errors == 0 ? "can start\n" : "can start: it does not use the splits with errors\n";
  text += std::to_string(errors) + " errors, " +
          std::to_string(report.count(data::Severity::kWarning)) + " warnings, " +
          std::to_string(report.count(data::Severity::kNote)) + " notes: training " +
          (report.training_would_fail() ? "would fail\n" : can_start);
  return text;
}

config::Json json_of(const VerifyReport& report) {
  config::Json splits = config::Json::array(), findings = config::Json::array();
  for (const auto& split : report.splits) {
    config::Json classes = config::Json::array(), counts = config::Json::object();
    for (size_t k = 0; k < split.class_names.size(); ++k) {
      classes.push_back({{"name", split.class_names[k]}, {"good", split.class_samples[k]}});
    }
    for (const auto& kind : data::finding_rows()) {
      counts[kind.name] = report.count(kind.kind, split.split);
    }
    splits.push_back({{"split", split.split},
                      {"samples", split.samples},
                      {"good", split.good},
                      {"bytes", split.bytes},
                      {"classes", std::move(classes)},
                      {"findings", std::move(counts)}});
  }
  for (const Finding& finding : report.findings) {
    findings.push_back({{"severity", data::severity_name(finding.severity())},
                        {"kind", data::finding_row(finding.kind).name},
                        {"split", finding.split},
                        {"where", finding.where},
                        {"what", finding.detail}});
  }
  return {{"format", kJsonFormat},
          {"dataset", report.dataset},
          {"folder", report.folder},
          {"training_would_fail", report.training_would_fail()},
          {"splits", std::move(splits)},
          {"findings", std::move(findings)}};
}

void show_progress(const std::string& split, int64_t done, int64_t total) {
  std::fprintf(stderr,
               "\r%s: %lld of %lld%s",
               split.c_str(),
               static_cast<long long>(done),
               static_cast<long long>(total),
               done == total ? "\n" : "");
}

}  // namespace

int run_verify_data(const Words& words, dist::MpiScope*) {
  Words rest = words;
  const std::optional<std::string> json_file = take_json_file(rest);
  const settings::RunConfig config = read_run_config(rest);
  data::VerifyOptions options{.data = config.data,
                              .seed = static_cast<uint64_t>(config.run.seed),
                              .workers = config.loader.workers};
  if (config::origin_of(config.origins, "loader.workers") == config::kDefaultOrigin) {
    options.workers = std::thread::hardware_concurrency();
  }
  if (::isatty(STDERR_FILENO) == 1) options.progress = show_progress;
  const VerifyReport report = data::verify_data(options);
  const std::string json =
      json_file ? json_of(report).dump(2, ' ', false, config::Json::error_handler_t::replace) + "\n"
                : "";
  const bool only_json = json_file == "-";
  std::fputs((only_json ? json : report_text(report)).c_str(), stdout);
  if (json_file && !only_json) util::write_file_atomic(*json_file, json);
  const bool is_faultless = report.count(data::Severity::kError) == 0;
  return static_cast<int>(is_faultless ? ExitCode::kDone : ExitCode::kData);
}

}  // namespace dtrain::cli
