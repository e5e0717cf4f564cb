// XXH3-128 checksums as lower-case hex: what `xxh128sum` and Python's xxhash.xxh3_128_hexdigest
// print. It finds damage (a flipped bit, a cut file, a mix of two files), not an attacker: it is
// not cryptographic. Source: the xxHash specification, https://github.com/Cyan4973/xxHash (Debian
// libxxhash-dev).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace dtrain::util {

inline constexpr size_t kHashHexLength = 32;

// The checksum of bytes that come in pieces; the cut between pieces does not matter.
//   Hasher hasher;
//   hasher.update(header);
//   hasher.update(pixels.data(), pixels.size());
//   std::string hex = hasher.hex();                 // may be read at any time; more may follow
// Several values in a row should carry their lengths, or ("ab", "c") and ("a", "bc") look the same.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void update(const void* bytes, size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Two lower-case digits a byte.
std::string to_hex(const void* bytes, size_t size);

std::string hash_hex(const void* bytes, size_t size);
inline std::string hash_hex(std::string_view bytes) { return hash_hex(bytes.data(), bytes.size()); }

// The checksum of a whole file, read in pieces; Error(kIo) names the file.
std::string hash_file_hex(const std::filesystem::path& path);

}  // namespace dtrain::util
