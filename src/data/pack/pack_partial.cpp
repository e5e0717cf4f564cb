#include "data/pack/pack_partial.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "data/pack/pack_format.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDoing = "packing into";
constexpr const char* kFirstWord = "dtrain-pack-journal-1";

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw util::file_error("cannot remove", path, error.value());
}

// A path with something behind its last name.
fs::path with_suffix(const fs::path& path, const char* suffix) { return path.string() + suffix; }

}  // namespace

// --- journal
// --------------------------------------------------------------------------------------

PackJournal::PackJournal(const fs::path& path, const std::string& key)
    : file_(path, util::OutputFile::Mode::kAppend) {
  file_.write(std::string(kFirstWord) + " " + key + "\n");
}

void PackJournal::begin_split(const std::string& split) { lines_ += "split " + split + "\n"; }

void PackJournal::add(const JournalEntry& entry) {
  lines_ += "sample " + std::to_string(entry.index) + " " + std::to_string(entry.bytes) + " " +
            std::to_string(entry.target) + " " + std::to_string(entry.crc) + "\n";
}

// Samples whose last bytes are still missing are written too: the reader counts the bytes.
void PackJournal::piece_written(int64_t place, int64_t bytes) {
  lines_ += "piece " + std::to_string(place) + " " + std::to_string(bytes) + "\n";
  file_.write(lines_);
  lines_.clear();
}

// --- salvage
// --------------------------------------------------------------------------------------

PackSalvage::PackSalvage(const fs::path& folder, const std::string& key)
    : file_(folder / "pack.h5") {
  read_journal(folder / "journal", key);
  for (auto& [name, split] : splits_) {
    int64_t begin = 0;
    for (const JournalEntry& entry : split.entries) {
      if (entry.bytes > split.written - begin) break;
      split.begins.push_back(begin);
      begin += entry.bytes;
    }
    split.entries.resize(split.begins.size());
    size_ += int64_t(split.entries.size());
  }
}

void PackSalvage::read_journal(const fs::path& path, const std::string& key) {
  const auto file_bytes = int64_t(fs::file_size(path.parent_path() / "pack.h5"));
  std::ifstream in(path);
  std::string line, word;
  if (!std::getline(in, line)) return;  // killed before anything was written
  if (line != std::string(kFirstWord) + " " + key) {
    throw data_error("unfinished pack " + path.parent_path().string(),
                     "it was begun with other pictures, settings or another version of dtrain",
                     "remove it to begin anew, or choose another --output");
  }
  Split* split = nullptr;
  // A line that is cut off, or damaged, is the end.
  while (std::getline(in, line) && !in.eof()) {
    std::istringstream words(line);
    words >> word;
    if (word == "split" && words >> word) {
      split = &splits_[word];
      continue;
    }
    if (split == nullptr) return;
    JournalEntry entry;
    Piece piece;
    if (word == "sample" && words >> entry.index >> entry.bytes >> entry.target >> entry.crc &&
        entry.bytes > 0) {
      if (!split->entries.empty() && entry.index <= split->entries.back().index) return;
      split->entries.push_back(entry);
    } else if (word == "piece" && words >> piece.place >> piece.bytes && piece.bytes > 0 &&
               piece.place >= 0 && piece.bytes <= file_bytes - piece.place) {
      piece.begin = split->written;
      split->written += piece.bytes;
      split->pieces.push_back(piece);
    } else {
      return;
    }
  }
}

std::optional<JournalEntry> PackSalvage::read(const std::string& name,
                                              int64_t index,
                                              std::vector<uint8_t>& bytes) const {
  const auto found = splits_.find(name);
  if (found == splits_.end()) return {};
  const Split& split = found->second;
  const auto entry = std::lower_bound(
      split.entries.begin(), split.entries.end(), index, [](const JournalEntry& e, int64_t i) {
        return e.index < i;
      });
  if (entry == split.entries.end() || entry->index != index) return {};
  int64_t at = split.begins[size_t(entry - split.entries.begin())];
  auto piece =
      std::upper_bound(split.pieces.begin(), split.pieces.end(), at, [](int64_t a, const Piece& p) {
        return a < p.begin;
      });
  bytes.resize(size_t(entry->bytes));
  std::span<uint8_t> rest = bytes;
  for (--piece; !rest.empty(); ++piece) {
    const int64_t within = at - piece->begin;
    const auto now = std::min<int64_t>(int64_t(rest.size()), piece->bytes - within);
    if (!file_.read(piece->place + within, rest.first(size_t(now)))) return {};
    rest = rest.subspan(size_t(now));
    at += now;
  }
  if (pack_crc(bytes) != entry->crc) return {};
  return *entry;
}

// --- folder
// ---------------------------------------------------------------------------------------

PartialFolder::PartialFolder(const fs::path& output, const std::string& key)
    : output_(output),
      folder_(with_suffix(output, ".partial")),
      old_(with_suffix(output, ".partial.old")) {
  put_aside(key);
  util::make_folders(folder_);
  lock_.emplace(folder_, kDoing);
}

// Of two that were left, the older one has more when the newer one was stopped while it was still
// taking samples from the older.
void PartialFolder::put_aside(const std::string& key) {
  std::error_code ignored;
  if (fs::exists(folder_, ignored)) {
    const util::FolderLock free(folder_, kDoing);
    const bool usable = fs::exists(pack(), ignored);
    const int64_t samples = usable ? PackSalvage(folder_, key).size() : 0;
    if (fs::exists(old_ / "pack.h5", ignored) && PackSalvage(old_, key).size() >= samples) {
      remove_tree(folder_);
    } else {
      remove_tree(old_);
      util::rename_path(folder_, old_);
    }
  }
  if (fs::exists(old_ / "pack.h5", ignored)) salvage_.emplace(old_, key);
}

void PartialFolder::finish() {
  util::rename_path(pack(), output_);
  const fs::path parent = output_.parent_path();
  util::sync_folder(parent.empty() ? "." : parent);
  salvage_.reset();
  remove_tree(old_);
  remove_tree(folder_);
}

}  // namespace dtrain::data
