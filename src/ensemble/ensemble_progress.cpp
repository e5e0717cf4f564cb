#include "ensemble/ensemble_progress.h"

#include <chrono>

#include "ensemble/ensemble_folder.h"
#include "render/csv_writer.h"
#include "render/table.h"
#include "settings/run_folder.h"
#include "settings/summary_columns.h"
#include "util/check.h"
#include "util/text.h"

namespace dtrain::ensemble {
namespace {

constexpr auto kPause = std::chrono::seconds(5);

const char* name_of(MemberState state) {
  switch (state) {
    case MemberState::kWaiting:
      return "waiting";
    case MemberState::kTraining:
      return "training";
    case MemberState::kFinished:
      return "finished";
    case MemberState::kFailed:
      break;
  }
  return "failed";
}

}  // namespace

EnsembleProgress::EnsembleProgress(const EnsembleConfig& config, util::Log& log)
    : config_(config), log_(log), rows_(config.members.size()), thread_([this] { watch(); }) {}

EnsembleProgress::~EnsembleProgress() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void EnsembleProgress::set(size_t member, MemberState state, const std::string& note) {
  {
    const std::lock_guard lock(mutex_);
    rows_[member] = {state, note};
  }
  log_.info("Ensemble: " + config_.members[member].name + " " + name_of(state) +
            (note.empty() ? "" : ": " + note));
}

std::string EnsembleProgress::table() const {
  const std::lock_guard lock(mutex_);
  const std::string train_loss = settings::train_column("loss"),
                    eval_loss = settings::eval_column("loss"),
                    eval_top1 = settings::eval_column("top1");
  render::Table table({"member", "state", "epoch", train_loss, eval_loss, eval_top1});
  for (size_t i = 0; i < rows_.size(); ++i) {
    const EnsembleMember& member = config_.members[i];
    const settings::RunFolder folder{EnsembleFolder{config_.ensemble.output}.member(member)};
    std::vector<std::string> cells = {member.name, name_of(rows_[i].state), "", "", "", ""};
    try {
      const render::CsvTable summary = render::read_csv(folder.summary());
      cells[2] =
          std::to_string(summary.rows.size()) + "/" + std::to_string(member.config.run.epochs);
      const auto last = [&](const std::string& column, const char* format) {
        const std::vector<double> values = summary.numbers(column);
        return values.empty() ? std::string() : util::number(values.back(), format, "");
      };
      cells[3] = last(train_loss, "%.4f");
      cells[4] = last(eval_loss, "%.4f");
      cells[5] = last(eval_top1, "%.3f");
    } catch (const Error&) {  // not there yet
    }
    table.row(std::move(cells));
  }
  return table.text();
}

void EnsembleProgress::watch() {
  std::string shown = table();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPause, [&] { return stop_; })) {
    lock.unlock();
    if (std::string now = table(); now != shown) {
      log_.info(now);
      shown = std::move(now);
    }
    lock.lock();
  }
}

}  // namespace dtrain::ensemble
