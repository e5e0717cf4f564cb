// TensorBoard's event files: frames and messages, by hand: three messages do not need a protobuf
// library, and libtorch carries parts of one that a second could clash with.
#include "render/event_file.h"

#include <array>
#include <bit>
#include <cstring>

namespace dtrain::render {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

// --- CRC-32C
// --------------------------------------------------------------------------------------

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x82f63b78u : value >> 1;
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = make_crc_table();

template <class T>
void append_raw(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class T>
T read_raw(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// --- protocol buffers
// -----------------------------------------------------------------------------

// Field numbers of the messages.
enum EventField : uint32_t {
  kWallTime = 1,
  kStep = 2,
  kFileVersion = 3,
  kSummary = 5,
  kSessionLog = 7,
};
enum SummaryField : uint32_t { kSummaryValue = 1 };
enum ValueField : uint32_t { kTag = 1, kSimpleValue = 2 };
enum SessionLogField : uint32_t { kStatus = 1 };
constexpr uint64_t kStatusStart = 1;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void append_key(std::string& out, uint32_t field, WireType type) {
  append_varint(out, field << 3 | type);
}

void append_varint_field(std::string& out, uint32_t field, uint64_t value) {
  append_key(out, field, kVarint);
  append_varint(out, value);
}

void append_double_field(std::string& out, uint32_t field, double value) {
  append_key(out, field, kFixed64);
  append_raw(out, value);
}

void append_float_field(std::string& out, uint32_t field, float value) {
  append_key(out, field, kFixed32);
  append_raw(out, value);
}

void append_bytes_field(std::string& out, uint32_t field, std::string_view bytes) {
  append_key(out, field, kBytes);
  append_varint(out, bytes.size());
  out.append(bytes);
}

// Reads fields front to back; false when the bytes are not a message.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : rest_(message) {}

  bool done() const { return rest_.empty(); }

  // The next field; `number` is set for varints only.
  bool next(uint32_t& field, uint64_t& number) {
    uint64_t key = 0;
    if (!varint(key)) return false;
    field = static_cast<uint32_t>(key >> 3);
    number = 0;
    uint64_t length = 0;
    switch (key & 7) {
      case kVarint:
        return varint(number);
      case kFixed64:
        return skip(8);
      case kFixed32:
        return skip(4);
      case kBytes:
        return varint(length) && skip(length);
      default:
        return false;
    }
  }

 private:
  bool varint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool skip(uint64_t size) {
    if (size > rest_.size()) return false;
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
};

std::string event_at(double wall_time, int64_t step) {
  std::string event;
  append_double_field(event, kWallTime, wall_time);
  append_varint_field(event, kStep, static_cast<uint64_t>(step));
  return event;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (unsigned char byte : bytes) crc = kCrcTable[(crc ^ byte) & 0xff] ^ crc >> 8;
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8u;
}

std::string frame_record(std::string_view payload) {
  std::string record;
  append_raw(record, static_cast<uint64_t>(payload.size()));
  append_raw(record, masked_crc32c(record));
  record.append(payload);
  append_raw(record, masked_crc32c(payload));
  return record;
}

std::optional<std::string_view> next_record(std::string_view file, size_t& offset) {
  constexpr size_t kHead = sizeof(uint64_t) + sizeof(uint32_t);
  constexpr size_t kTail = sizeof(uint32_t);
  const std::string_view rest = file.substr(offset);
  if (rest.size() < kHead + kTail) return std::nullopt;
  const auto length = read_raw<uint64_t>(rest);
  const auto length_crc = read_raw<uint32_t>(rest.substr(sizeof(uint64_t)));
  if (masked_crc32c(rest.substr(0, sizeof(uint64_t))) != length_crc) return std::nullopt;
  if (length > rest.size() - kHead - kTail) return std::nullopt;
  const std::string_view payload = rest.substr(kHead, length);
  if (masked_crc32c(payload) != read_raw<uint32_t>(rest.substr(kHead + length))) {
    return std::nullopt;
  }
  offset += kHead + length + kTail;
  return payload;
}

std::string file_version_event(double wall_time) {
  std::string event;
  append_double_field(event, kWallTime, wall_time);
  append_bytes_field(event, kFileVersion, "brain.Event:2");
  return event;
}

std::string session_start_event(double wall_time, int64_t first_step) {
  std::string event = event_at(wall_time, first_step);
  std::string session;
  append_varint_field(session, kStatus, kStatusStart);
  append_bytes_field(event, kSessionLog, session);
  return event;
}

std::string scalars_event(double wall_time,
                          int64_t step,
                          const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;
  for (const auto& [tag, number] : values) {
    std::string value;
    append_bytes_field(value, kTag, tag);
    append_float_field(value, kSimpleValue, static_cast<float>(number));
    append_bytes_field(summary, kSummaryValue, value);
  }
  std::string event = event_at(wall_time, step);
  append_bytes_field(event, kSummary, summary);
  return event;
}

std::optional<int64_t> step_of_event(std::string_view payload) {
  int64_t step = 0;
  FieldReader reader(payload);
  while (!reader.done()) {
    uint32_t field = 0;
    uint64_t number = 0;
    if (!reader.next(field, number)) return std::nullopt;
    if (field == kStep) step = static_cast<int64_t>(number);
  }
  return step;
}

}  // namespace dtrain::render
