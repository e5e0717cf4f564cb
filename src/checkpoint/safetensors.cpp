// Strict reading and streaming writing of safetensors files.
#include "checkpoint/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <numeric>
#include <unordered_set>

#include "config/json.h"
#include "util/atomic_file.h"
#include "util/check.h"
#include "util/hash.h"
#include "util/text.h"

namespace dtrain::checkpoint {
namespace {

using config::Json;

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kMaxHeader = int64_t{16} << 20;  // some 100,000 tensors
constexpr size_t kMaxDimensions = 64;
constexpr char kMetadataKey[] = "__metadata__";
constexpr char kSafetensorsAdvice[] =
    "the file is damaged or not a safetensors file; use another copy";

struct DtypeRow {
  Dtype dtype;
  const char* name;
  int64_t size;
};
constexpr DtypeRow kDtypes[] = {
    {Dtype::kBool, "BOOL", 1},
    {Dtype::kU8, "U8", 1},
    {Dtype::kI8, "I8", 1},
    {Dtype::kI16, "I16", 2},
    {Dtype::kI32, "I32", 4},
    {Dtype::kI64, "I64", 8},
    {Dtype::kF16, "F16", 2},
    {Dtype::kBF16, "BF16", 2},
    {Dtype::kF32, "F32", 4},
    {Dtype::kF64, "F64", 8},
};

const DtypeRow& row_of(Dtype dtype) {
  for (const DtypeRow& row : kDtypes) {
    if (row.dtype == dtype) return row;
  }
  throw Error(ExitCode::kGaveUp, "safetensors", "unknown dtype", "");
}

[[noreturn]] void refuse(const std::string& file, const std::string& cause) {
  throw io_error(file, cause, kSafetensorsAdvice);
}

// Names come from the file: control characters in them must not reach the terminal.
std::string escaped(const std::string& name) { return Json(name).dump(); }

// Bytes of a tensor, or nothing when they cannot be counted. An empty dimension does not excuse the
// others: code that multiplies them for strides would overflow.
std::optional<int64_t> byte_size(const TensorSpec& spec) {
  int64_t extent = dtype_size(spec.dtype);
  bool is_empty = false;
  for (int64_t length : spec.shape) {
    if (length < 0) return std::nullopt;
    is_empty |= length == 0;
    if (__builtin_mul_overflow(extent, std::max<int64_t>(length, 1), &extent)) return std::nullopt;
  }
  return is_empty ? 0 : extent;
}

int64_t count_of(const Json& value, const std::string& file, const std::string& what) {
  if (!value.is_number_unsigned() ||
      value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    refuse(file, what + " holds " + value.dump() + ", which is not a count");
  }
  return value.get<int64_t>();
}

const Json& member(const Json& object,
                   const char* key,
                   const std::string& file,
                   const std::string& tensor) {
  auto found = object.find(key);
  if (found == object.end())
    refuse(file, "tensor " + escaped(tensor) + " has no " + util::quoted(key));
  return *found;
}

TensorEntry parse_entry(const std::string& name, const Json& value, const std::string& file) {
  const std::string subject = "tensor " + escaped(name);
  if (!value.is_object() || value.size() != 3) {
    refuse(file, subject + " is not described by exactly dtype, shape and data_offsets");
  }
  TensorEntry entry;
  entry.name = name;
  const Json& dtype = member(value, "dtype", file, name);
  auto known =
      dtype.is_string() ? dtype_from_name(dtype.get_ref<const std::string&>()) : std::nullopt;
  if (!known) refuse(file, subject + " has the unknown dtype " + dtype.dump());
  entry.dtype = *known;
  const Json& shape = member(value, "shape", file, name);
  if (!shape.is_array() || shape.size() > kMaxDimensions) {
    refuse(file, subject + " has no valid shape");
  }
  for (const Json& length : shape)
    entry.shape.push_back(count_of(length, file, subject + " shape"));
  const Json& offsets = member(value, "data_offsets", file, name);
  if (!offsets.is_array() || offsets.size() != 2) {
    refuse(file, subject + " has no pair of data_offsets");
  }
  entry.begin = count_of(offsets[0], file, subject + " data_offsets");
  entry.end = count_of(offsets[1], file, subject + " data_offsets");
  std::optional<int64_t> size = byte_size(entry);
  if (!size) refuse(file, subject + " has a shape whose size overflows");
  if (entry.end < entry.begin || entry.end - entry.begin != *size) {
    refuse(file,
           subject + " needs " + std::to_string(*size) + " bytes but has the offsets " +
               offsets.dump());
  }
  return entry;
}

TextPairs parse_metadata(const Json& value, const std::string& file) {
  TextPairs pairs;
  if (!value.is_object()) refuse(file, "__metadata__ is not an object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) refuse(file, "__metadata__ " + escaped(key) + " is not a text");
    pairs.emplace_back(key, text.get<std::string>());
  }
  return pairs;
}

std::vector<const TensorEntry*> in_data_order(const std::vector<TensorEntry>& tensors) {
  std::vector<const TensorEntry*> order;
  for (const TensorEntry& entry : tensors) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const TensorEntry* a, const TensorEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  return order;
}

// Every byte belongs to exactly one tensor: a gap could hide content, an overlap could alias
// weights.
void check_cover(const std::vector<TensorEntry>& tensors,
                 int64_t data_size,
                 const std::string& file) {
  int64_t at = 0;
  for (const TensorEntry* entry : in_data_order(tensors)) {
    if (entry->begin != at) {
      refuse(file,
             "tensor " + escaped(entry->name) + " begins at byte " + std::to_string(entry->begin) +
                 " of the data, expected " + std::to_string(at));
    }
    at = entry->end;
  }
  if (at != data_size) {
    refuse(file,
           "the header describes " + std::to_string(at) + " bytes of data, the file holds " +
               std::to_string(data_size));
  }
}

// Places the tensors: offsets by falling element size, so that each array starts at a multiple of
// it.
std::vector<TensorEntry> place(const std::vector<TensorSpec>& tensors) {
  std::vector<TensorEntry> entries;
  std::unordered_set<std::string> names;
  for (const TensorSpec& spec : tensors) {
    check(spec.name != kMetadataKey && names.insert(spec.name).second, "tensor names are distinct");
    entries.push_back({spec});
  }
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return dtype_size(entries[a].dtype) > dtype_size(entries[b].dtype);
  });
  int64_t at = 0;
  for (size_t i : order) {
    std::optional<int64_t> size = byte_size(entries[i]);
    check(size.has_value(), "tensor sizes fit in 64 bits");
    entries[i].begin = at;
    entries[i].end = at += *size;
  }
  return entries;
}

std::string header_text(const std::vector<TensorEntry>& entries, const TextPairs& metadata) {
  Json root = Json::object();
  if (!metadata.empty()) {
    Json pairs = Json::object();
    for (const auto& [key, text] : metadata) pairs[key] = text;
    root[kMetadataKey] = std::move(pairs);
  }
  // Not through operator[], which searches all keys each time.
  auto& members = root.get_ref<Json::object_t&>();
  for (const TensorEntry& entry : entries) {
    members.emplace_back(entry.name,
                         Json{{"dtype", dtype_name(entry.dtype)},
                              {"shape", entry.shape},
                              {"data_offsets", {entry.begin, entry.end}}});
  }
  std::string text = root.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

const char* dtype_name(Dtype dtype) { return row_of(dtype).name; }

int64_t dtype_size(Dtype dtype) { return row_of(dtype).size; }

std::optional<Dtype> dtype_from_name(std::string_view name) {
  for (const DtypeRow& row : kDtypes) {
    if (name == row.name) return row.dtype;
  }
  return std::nullopt;
}

SafetensorsHeader parse_safetensors_header(std::string_view json,
                                           int64_t data_size,
                                           const std::string& name) {
  if (json.empty() || json[0] != '{') refuse(name, "the header does not begin with '{'");
  config::JsonLimits limits{
      .max_bytes = static_cast<size_t>(kMaxHeader), .max_depth = 4, .code = ExitCode::kIo};
  const Json root = config::parse_json(json, name, limits).root;
  SafetensorsHeader header;
  for (const auto& [key, value] : root.items()) {
    if (key == kMetadataKey) {
      header.metadata = parse_metadata(value, name);
    } else {
      header.tensors.push_back(parse_entry(key, value, name));
    }
  }
  check_cover(header.tensors, data_size, name);
  return header;
}

SafetensorsReader::SafetensorsReader(std::filesystem::path path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer. It means nothing for a file.
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) throw util::file_error("cannot read", path_, errno);
  try {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) throw util::file_error("cannot read", path_, errno);
    if (!S_ISREG(info.st_mode)) refuse(path_.string(), "not a regular file");
    uint64_t length = 0;
    if (info.st_size < kLengthBytes) refuse(path_.string(), "shorter than 8 bytes");
    read_at(0, &length, kLengthBytes);
    if (length >
        static_cast<uint64_t>(std::min<int64_t>(kMaxHeader, info.st_size - kLengthBytes))) {
      refuse(path_.string(), "claims a header of " + std::to_string(length) + " bytes");
    }
    data_start_ = kLengthBytes + static_cast<int64_t>(length);
    head_.resize(static_cast<size_t>(data_start_));
    read_at(0, head_.data(), data_start_);
    header_ = parse_safetensors_header(
        std::string_view(head_).substr(kLengthBytes), info.st_size - data_start_, path_.string());
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

SafetensorsReader::~SafetensorsReader() { ::close(fd_); }

void SafetensorsReader::read_at(int64_t offset, void* bytes, int64_t size) const {
  char* to = static_cast<char*>(bytes);
  while (size > 0) {
    ssize_t got = ::pread(fd_, to, static_cast<size_t>(std::min<int64_t>(size, 1 << 30)), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw util::file_error("cannot read", path_, errno);
    if (got == 0) refuse(path_.string(), "became shorter while it was read");
    to += got;
    offset += got;
    size -= got;
  }
}

std::string SafetensorsReader::read(const std::function<void*(const TensorEntry&)>& destination) {
  util::Hasher hasher;
  hasher.update(head_);
  for (const TensorEntry* entry : in_data_order(header_.tensors)) {
    const int64_t size = entry->end - entry->begin;
    auto* bytes = static_cast<unsigned char*>(destination(*entry));
    read_at(data_start_ + entry->begin, bytes, size);
    hasher.update(bytes, static_cast<size_t>(size));
    if (entry->dtype == Dtype::kBool &&
        std::any_of(bytes, bytes + size, [](unsigned char value) { return value > 1; })) {
      refuse(path_.string(),
             "tensor " + escaped(entry->name) + " holds bytes that are neither 0 nor 1");
    }
  }
  return hasher.hex();
}

WrittenFile write_safetensors(const std::filesystem::path& path,
                              const std::vector<TensorSpec>& tensors,
                              const TextPairs& metadata,
                              const std::function<const void*(size_t)>& bytes_of) {
  const std::vector<TensorEntry> entries = place(tensors);
  const std::string header = header_text(entries, metadata);
  check(static_cast<int64_t>(header.size()) <= kMaxHeader, "the header fits its limit");
  util::AtomicFile file(path);
  util::Hasher hasher;
  WrittenFile written;
  auto put = [&](const void* bytes, size_t size) {
    file.write(bytes, size);
    hasher.update(bytes, size);
    written.size += static_cast<int64_t>(size);
  };
  const uint64_t length = header.size();
  put(&length, sizeof length);
  put(header.data(), header.size());
  for (const TensorEntry* entry : in_data_order(entries)) {
    const void* bytes = bytes_of(static_cast<size_t>(entry - entries.data()));
    put(bytes, static_cast<size_t>(entry->end - entry->begin));
  }
  file.commit();
  written.hash = hasher.hex();
  return written;
}

}  // namespace dtrain::checkpoint
