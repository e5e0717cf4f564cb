// Reads one picture's file.
#include "data/datasets/read_picture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "image/bad_picture.h"
#include "util/check.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using image::BadPicture;
using image::Fault;

// Larger than any picture that is trained on; a limit because all of it is read into memory.
constexpr int64_t kMaxFileBytes = 128 << 20;

class OpenFile {
 public:
  // Without waiting for somebody to write into what has become a pipe.
  explicit OpenFile(const fs::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  operator int() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

void read_picture(const fs::path& path, std::vector<uint8_t>& bytes) {
  const auto failed = [&](int error) {
    return io_error("data file " + path.string(),
                    std::string("cannot be read: ") + std::strerror(error),
                    "check the disk and the permissions");
  };
  const OpenFile file(path);
  if (file < 0) throw failed(errno);
  struct stat status = {};
  if (::fstat(file, &status) != 0) throw failed(errno);
  const std::string name = "data file " + path.string();
  if (!S_ISREG(status.st_mode)) {
    throw data_error(name, "is not a regular file", "put a picture there, or nothing");
  }
  if (status.st_size > kMaxFileBytes) {
    throw BadPicture(Fault::kTooLarge, "is larger than 128 MB", name);
  }
  bytes.resize(static_cast<size_t>(status.st_size));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::read(file, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw failed(errno);
    if (got == 0) bytes.resize(done);  // became shorter: decoding will say what is wrong
    done += static_cast<size_t>(got);
  }
  if (bytes.empty()) throw BadPicture(Fault::kEmpty, "is empty", name);
}

}  // namespace dtrain::data
