// TensorBoard's event files: the bytes of a record and of the few messages dtrain writes.
//
// A file is a sequence of TFRecords: length (u64), masked CRC-32C of the length (u32), payload,
// masked CRC-32C of the payload (u32), all little endian. A payload is an Event message in protocol
// buffer encoding. Sources: tensorflow/core/lib/io/record_writer.cc,
// tensorboard/compat/proto/{event,summary}.proto.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dtrain::render {

// CRC-32C (Castagnoli) as in RFC 3720, and the form in which TFRecords store it.
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

// A payload with its frame.
std::string frame_record(std::string_view payload);

// The payload at `offset`, which moves behind the record; nothing if there is no whole, sound
// record.
std::optional<std::string_view> next_record(std::string_view file, size_t& offset);

// Messages; wall times are seconds since 1970.
std::string file_version_event(double wall_time);  // the first event of each file
// Tells readers to forget what earlier files say about `first_step` and later ones: a run starts
// again.
std::string session_start_event(double wall_time, int64_t first_step);
std::string scalars_event(double wall_time,
                          int64_t step,
                          const std::vector<std::pair<std::string, double>>& values);

// The step of an Event, 0 if it carries none; nothing if the payload is not a message.
std::optional<int64_t> step_of_event(std::string_view payload);

}  // namespace dtrain::render
