// The safetensors format: named arrays of plain numbers in one file, which cannot carry code.
//
//   8 bytes   length N of the header, little endian
//   N bytes   JSON: {"__metadata__": {"key": "text"}, "fc.weight": {"dtype": "F32", "shape": [10,
//   512],
//             "data_offsets": [begin, end]}, ...}, padded with spaces to a multiple of 8
//   the rest  the arrays, row-major, little endian, without gaps; offsets count from here
//
// Python opens it with safetensors.torch.load_file(path). This file knows nothing of torch: bytes,
// a type and a shape are all there is. Source: https://github.com/huggingface/safetensors (README,
// Format).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dtrain::checkpoint {

enum class Dtype { kBool, kU8, kI8, kI16, kI32, kI64, kF16, kBF16, kF32, kF64 };

const char* dtype_name(Dtype dtype);  // "F32"
int64_t dtype_size(Dtype dtype);      // bytes of one element
std::optional<Dtype> dtype_from_name(
    std::string_view name);  // nothing if it is not one of the above

struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;  // empty: one element
};

struct TensorEntry : TensorSpec {
  int64_t begin = 0, end = 0;  // of its bytes, from the start of the data
};

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  // in the order of the header
  TextPairs metadata;
};

// Checks and parses the JSON of a header whose file holds `data_size` bytes after it. Refused, as
// Error(kIo) that names `name` and the tensor: unknown types and keys, duplicate names, shapes
// whose size overflows or differs from the offsets, and arrays that overlap, leave gaps or leave
// the file.
SafetensorsHeader parse_safetensors_header(std::string_view json,
                                           int64_t data_size,
                                           const std::string& name);

// Reads one file front to back.
//   SafetensorsReader file(path);
//   file.read([&](const TensorEntry& entry) { return allocate(entry); });
class SafetensorsReader {
 public:
  // Opens the file and reads its header; everything that parse_safetensors_header refuses is
  // refused here.
  explicit SafetensorsReader(std::filesystem::path path);
  ~SafetensorsReader();
  SafetensorsReader(const SafetensorsReader&) = delete;
  SafetensorsReader& operator=(const SafetensorsReader&) = delete;

  const std::vector<TensorEntry>& tensors() const { return header_.tensors; }
  const TextPairs& metadata() const { return header_.metadata; }

  // Calls `destination` once per tensor, in the order of the data, for memory of end - begin bytes,
  // and fills it. Returns the XXH3-128 of the whole file as hex. Bool tensors hold 0 and 1 only.
  std::string read(const std::function<void*(const TensorEntry&)>& destination);

 private:
  void read_at(int64_t offset, void* bytes, int64_t size) const;

  std::filesystem::path path_;
  int fd_ = -1;
  int64_t data_start_ = 0;
  std::string head_;  // length and JSON, as they are in the file
  SafetensorsHeader header_;
};

struct WrittenFile {
  int64_t size = 0;
  std::string hash;  // XXH3-128, hex
};

// Writes a file whole or not at all (util::AtomicFile). `bytes_of(i)` gives the memory of tensor i,
// which must stay valid until the next call; tensors are asked for once each, widest type first, so
// that every array is aligned. The header keeps the caller's order.
WrittenFile write_safetensors(const std::filesystem::path& path,
                              const std::vector<TensorSpec>& tensors,
                              const TextPairs& metadata,
                              const std::function<const void*(size_t)>& bytes_of);

}  // namespace dtrain::checkpoint
