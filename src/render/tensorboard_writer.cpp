// Scalars for TensorBoard.
#include "render/tensorboard_writer.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>

#include "render/event_file.h"

namespace dtrain::render {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "events.out.tfevents.";

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.rfind(kPrefix, 0) == 0 && at->is_regular_file()) files.push_back(at->path());
  }
  if (error) throw util::file_error("cannot read folder", folder, error.value());
  return files;
}

int64_t time_in_name(const fs::path& file) {
  return std::atoll(file.filename().string().c_str() + sizeof kPrefix - 1);
}

// TensorBoard reads the files of a folder in the order of their names, which begin with the second;
// two starts within a second must not share it, and a clock that was set back must not undo the
// order.
fs::path new_name(const fs::path& folder) {
  static std::atomic<int> count{0};
  auto seconds = static_cast<int64_t>(wall_time());
  for (const fs::path& file : event_files(folder)) {
    seconds = std::max(seconds, time_in_name(file) + 1);
  }
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  std::string digits = std::to_string(seconds);
  digits.insert(0, digits.size() < 10 ? 10 - digits.size() : 0, '0');
  return folder / (kPrefix + digits + "." + host + "." + std::to_string(::getpid()) + "." +
                   std::to_string(count.fetch_add(1)));
}

// A tag is its bytes in the record, behind their number.
bool names_tag(std::string_view event, const std::string& beginning) {
  return event.find(beginning) != std::string_view::npos;
}

util::OutputFile open_file(const fs::path& folder,
                           int64_t resume_step,
                           const std::string& to_come) {
  if (resume_step >= 0) drop_events_after(folder, resume_step, to_come);
  return {new_name(folder), util::OutputFile::Mode::kAppend};
}

}  // namespace

TensorboardWriter::TensorboardWriter(const fs::path& folder,
                                     int64_t resume_step,
                                     const std::string& to_come)
    : file_(open_file(folder, resume_step, to_come)) {
  file_.write(frame_record(file_version_event(wall_time())));
  if (resume_step >= 0) {
    file_.write(frame_record(session_start_event(wall_time(), resume_step + 1)));
  }
}

void TensorboardWriter::scalars(int64_t step,
                                const std::vector<std::pair<std::string, double>>& values) {
  if (!values.empty()) file_.write(frame_record(scalars_event(wall_time(), step, values)));
}

void drop_events_after(const fs::path& folder, int64_t step, const std::string& to_come) {
  for (const fs::path& path : event_files(folder)) {
    const std::string content = util::read_file(path);
    std::string kept;
    size_t offset = 0;
    for (;;) {
      const size_t begin = offset;
      const auto payload = next_record(content, offset);
      if (!payload) break;
      const int64_t at = step_of_event(*payload).value_or(0);
      const bool comes_again = at == step && !to_come.empty() && names_tag(*payload, to_come);
      if (at <= step && !comes_again) {
        kept.append(content, begin, offset - begin);
      }
    }
    if (kept.size() != content.size()) util::write_file_atomic(path, kept);
  }
}

}  // namespace dtrain::render
