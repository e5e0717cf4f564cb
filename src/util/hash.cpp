// XXH3-128 checksums.
#include "util/hash.h"

// Inline, so that nothing has to be linked and the compiler sees through the small inputs.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "util/atomic_file.h"

namespace dtrain::util {
namespace {

std::string to_hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  return util::to_hex(canonical.digest, sizeof canonical.digest);
}

}  // namespace

std::string to_hex(const void* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    const unsigned char byte = static_cast<const unsigned char*>(bytes)[i];
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(const void* bytes, size_t size) {
  if (size > 0) XXH3_128bits_update(&state_->xxh, bytes, size);
}

std::string Hasher::hex() const { return to_hex(XXH3_128bits_digest(&state_->xxh)); }

std::string hash_hex(const void* bytes, size_t size) { return to_hex(XXH3_128bits(bytes, size)); }

std::string hash_file_hex(const std::filesystem::path& path) {
  Hasher hasher;
  read_pieces(path, [&](std::string_view piece) { hasher.update(piece); });
  return hasher.hex();
}

}  // namespace dtrain::util
