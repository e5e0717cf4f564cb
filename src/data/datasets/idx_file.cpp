// Reads IDX files, plain or gzipped, with every claim of the header checked against the file.
#include "data/datasets/idx_file.h"

#include <isa-l/igzip_lib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "util/check.h"
#include "util/text.h"

namespace dtrain::data {
namespace {

constexpr size_t kInputBytes = 128 * 1024;
// Decompressed at a time: often enough to notice a cancellation, large enough to cost nothing.
constexpr size_t kPieceBytes = 1024 * 1024;
// Deflate cannot compress better than this, so a header that claims more is wrong: a pair of length
// and distance takes two bits at least and stands for 258 bytes at most.
constexpr int64_t kMaxDeflateRatio = 1032;
constexpr uint8_t kTypeU8 = 0x08;

const char* type_name(uint8_t type) {
  switch (type) {
    case 0x08:
      return "u8";
    case 0x09:
      return "i8";
    case 0x0B:
      return "i16";
    case 0x0C:
      return "i32";
    case 0x0D:
      return "f32";
    case 0x0E:
      return "f64";
    default:
      return "unknown";
  }
}

uint32_t big_endian(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

uint32_t little_endian(const uint8_t* bytes) {
  return uint32_t{bytes[3]} << 24 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[1]} << 8 | bytes[0];
}

// a * b, or nothing when it does not fit.
bool multiply(int64_t a, int64_t b, int64_t* product) {
  return !__builtin_mul_overflow(a, b, product);
}

const char* reason(int inflate_result) {
  switch (inflate_result) {
    case ISAL_INVALID_BLOCK:
      return "invalid block";
    case ISAL_INVALID_SYMBOL:
      return "invalid symbol";
    case ISAL_INVALID_LOOKBACK:
      return "invalid distance";
    case ISAL_INVALID_WRAPPER:
      return "invalid gzip header";
    case ISAL_UNSUPPORTED_METHOD:
      return "unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
      return "the checksum does not match";
    default:
      return "unknown reason";
  }
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

struct IdxFile::Impl {
  std::string path, advice;
  File file;
  int64_t file_bytes = 0;
  bool gzip = false;
  std::vector<int64_t> dims;
  int64_t header_bytes = 0, payload_bytes = 0, item_bytes = 1;

  // gzip only
  inflate_state stream{};
  bool stream_done = false;
  std::vector<uint8_t> input;

  Error damaged(const std::string& cause) const {
    return data_error("data file " + path, cause, advice);
  }
  Error unreadable(int error) const {
    return io_error("data file " + path,
                    std::string("cannot be read: ") + std::strerror(error),
                    "check the disk and the permissions");
  }

  size_t read_raw(void* bytes, size_t size);
  void open();
  void start_inflate();
  bool refill();
  size_t inflate_some(uint8_t* out, size_t size);
  size_t read_decoded(uint8_t* out, size_t size);
  void parse_header(int64_t min_rank, int64_t max_rank);
  void check_payload_fits() const;
  void check_end();
};

size_t IdxFile::Impl::read_raw(void* bytes, size_t size) {
  errno = 0;
  const size_t got = std::fread(bytes, 1, size, file.get());
  if (got < size && std::ferror(file.get())) throw unreadable(errno);
  return got;
}

void IdxFile::Impl::open() {
  file.reset(std::fopen(path.c_str(), "rbe"));
  if (!file) throw unreadable(errno);
  struct stat status;
  if (::fstat(::fileno(file.get()), &status) != 0) throw unreadable(errno);
  if (!S_ISREG(status.st_mode)) throw damaged("is not a regular file");
  file_bytes = status.st_size;
  // Decompression has its own buffer and a plain file is read in large pieces: stdio's copy of
  // either would be waste.
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  uint8_t magic[2] = {};
  gzip = read_raw(magic, 2) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  if (std::fseek(file.get(), 0, SEEK_SET) != 0) throw unreadable(errno);
  if (gzip) start_inflate();
}

void IdxFile::Impl::start_inflate() {
  input.resize(kInputBytes);
  isal_inflate_init(&stream);
  stream.crc_flag = ISAL_GZIP;
}

// More compressed bytes; false at the end of the file.
bool IdxFile::Impl::refill() {
  if (stream.avail_in > 0) return true;
  stream.next_in = input.data();
  stream.avail_in = static_cast<uint32_t>(read_raw(input.data(), input.size()));
  return stream.avail_in > 0;
}

// Up to `size` decompressed bytes, fewer only at the end of the last gzip member.
size_t IdxFile::Impl::inflate_some(uint8_t* out, size_t size) {
  size_t done = 0;
  while (done < size) {
    if (stream_done) {  // a gzip file may be several members in a row
      if (!refill()) break;
      isal_inflate_reset(&stream);
      stream.crc_flag = ISAL_GZIP;
      stream_done = false;
    }
    const bool has_input = refill();  // without, the stream may still hold what it decoded ahead
    const size_t room = std::min<size_t>(size - done, std::numeric_limits<uint32_t>::max());
    stream.next_out = out + done;
    stream.avail_out = static_cast<uint32_t>(room);
    const int result = isal_inflate(&stream);
    done += room - stream.avail_out;
    stream_done = stream.block_state == ISAL_BLOCK_FINISH;
    if (result < 0) {
      throw damaged(std::string("the compressed data are damaged: ") + reason(result));
    }
    if (!has_input && !stream_done && stream.avail_out == room) {
      throw damaged("the compressed data end too early (the file is cut short)");
    }
  }
  return done;
}

size_t IdxFile::Impl::read_decoded(uint8_t* out, size_t size) {
  return gzip ? inflate_some(out, size) : read_raw(out, size);
}

void IdxFile::Impl::parse_header(int64_t min_rank, int64_t max_rank) {
  uint8_t magic[4];
  const size_t got = read_decoded(magic, sizeof magic);
  if (got < sizeof magic) {
    throw damaged("expected an IDX header, found only " + std::to_string(got) + " bytes");
  }
  if (magic[0] != 0 || magic[1] != 0) {
    throw damaged(util::formatted("expected an IDX magic number 0x0000<type><rank>, found 0x%08x",
                                  big_endian(magic)));
  }
  if (magic[2] != kTypeU8) {
    throw damaged(std::string("expected elements of type u8, found ") + type_name(magic[2]) + " (" +
                  std::to_string(magic[2]) + ")");
  }
  const int64_t rank = magic[3];
  if (rank < min_rank || rank > max_rank) {
    throw damaged("expected " + std::to_string(min_rank) +
                  (max_rank > min_rank ? " to " + std::to_string(max_rank) : "") +
                  " dimensions, found " + std::to_string(rank));
  }
  std::vector<uint8_t> sizes(static_cast<size_t>(rank) * 4);
  if (read_decoded(sizes.data(), sizes.size()) < sizes.size()) {
    throw damaged("the header ends too early (the file is cut short)");
  }
  for (int64_t d = 0; d < rank; ++d) dims.push_back(big_endian(sizes.data() + d * 4));
  header_bytes = 4 + rank * 4;

  payload_bytes = 1;
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] == 0) throw damaged("dimension " + std::to_string(d) + " is zero");
    if (!multiply(payload_bytes, dims[d], &payload_bytes)) {
      throw damaged("the dimensions " + util::extents(dims) + " are too large to be true");
    }
    if (d > 0) item_bytes *= dims[d];
  }
}

// Before anything of that size is allocated: can the file hold what its header claims?
void IdxFile::Impl::check_payload_fits() const {
  const std::string claim =
      "the header claims " + util::extents(dims) + " = " + std::to_string(payload_bytes) + " bytes";
  if (!gzip) {
    const int64_t found = file_bytes - header_bytes;
    if (found < payload_bytes) {
      throw damaged(claim + ", found " + std::to_string(found) + " (the file is cut short)");
    }
    if (found > payload_bytes) {
      throw damaged(claim + ", found " + std::to_string(found - payload_bytes) +
                    " more at the end");
    }
  } else if (payload_bytes / kMaxDeflateRatio > file_bytes) {
    throw damaged(claim + ", which a compressed file of " + std::to_string(file_bytes) +
                  " bytes cannot hold");
  }
}

// After the last item: nothing may follow, and inflating up to the end compares the checksum.
void IdxFile::Impl::check_end() {
  uint8_t extra = 0;
  bool more = false;
  try {
    more = read_decoded(&extra, 1) > 0;
  } catch (const Error& error) {
    // Rubbish behind a complete member (a new one has been begun): something that should not be
    // there, not damage to what was read.
    if (!gzip || error.code() != ExitCode::kData || stream.total_out > 0) throw;
    more = true;
  }
  if (more) {
    throw damaged("expected " + std::to_string(payload_bytes) + " bytes after the header (" +
                  util::extents(dims) + "), found more");
  }
}

IdxFile::IdxFile(const std::string& path, int64_t min_rank, int64_t max_rank, std::string advice)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->advice = std::move(advice);
  impl_->open();
  impl_->parse_header(min_rank, max_rank);
  impl_->check_payload_fits();
}

IdxFile::~IdxFile() = default;
IdxFile::IdxFile(IdxFile&&) noexcept = default;

const std::string& IdxFile::path() const { return impl_->path; }
const std::vector<int64_t>& IdxFile::dims() const { return impl_->dims; }
int64_t IdxFile::item_bytes() const { return impl_->item_bytes; }

bool IdxFile::looks_complete() const {
  if (!impl_->gzip) return true;
  // A gzip member ends with the length of its content, modulo 2^32 (RFC 1952).
  const int fd = ::fileno(impl_->file.get());
  uint8_t length[4];
  if (::pread(fd, length, sizeof length, impl_->file_bytes - 4) != 4) return false;
  return little_endian(length) == static_cast<uint32_t>(impl_->header_bytes + impl_->payload_bytes);
}

void IdxFile::read(std::span<uint8_t> items, const std::atomic<bool>* cancel) {
  const auto size = static_cast<int64_t>(items.size());
  check(size % impl_->item_bytes == 0 && size <= impl_->payload_bytes,
        "an IDX file is read in whole items");
  size_t done = 0;
  while (done < items.size()) {
    if (cancel && cancel->load(std::memory_order_relaxed)) return;
    const size_t piece = std::min(kPieceBytes, items.size() - done);
    const size_t got = impl_->read_decoded(items.data() + done, piece);
    done += got;
    if (got < piece) {
      throw impl_->damaged("expected " + std::to_string(impl_->payload_bytes) +
                           " bytes after the header (" + util::extents(impl_->dims) + "), found " +
                           std::to_string(done) + " (the file is cut short)");
    }
  }
  if (size == impl_->payload_bytes) impl_->check_end();
}

}  // namespace dtrain::data
