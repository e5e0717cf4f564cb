// Files that are written whole or not at all, and files that grow by whole records.
//
// Every failure is an Error(kIo) that names the file, gives the system's reason and says what to
// try; a full disk, a file size limit and a failing fsync are such errors, never a signal and never
// silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "util/check.h"

namespace dtrain::util {

// Error(kIo) for a failed system call: "<verb> <path>: <strerror(error)>; <what to try>".
Error file_error(std::string_view verb, const std::filesystem::path& path, int error);

// A file descriptor with checked writes. Movable; the destructor closes without checking, so call
// close() (or sync() and close()) where the content matters.
class OutputFile {
 public:
  enum class Mode {
    kCreateNew,  // the file must not exist
    kAppend,     // made if missing; every write goes to the end
  };
  OutputFile(std::filesystem::path path, Mode mode);
  ~OutputFile();
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;

  // Writes all of it. When that fails in kAppend mode the file is cut back to its former size, so
  // that it never ends in half a record.
  void write(const void* bytes, size_t size);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  void sync();   // fsync
  void close();  // checked: network file systems report a full disk here
  void truncate(int64_t size);
  int64_t size() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  bool append_ = false;
};

// Replaces `path` by new content: a temporary in the same folder, fsync, rename, fsync of the
// folder. Until commit() returns, readers see the old file; without commit() (an exception) the
// temporary is removed.
//   AtomicFile file("runs/x/config.json");
//   file.write(text);
//   file.commit();
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, size_t size);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  void commit();

 private:
  std::filesystem::path path_;
  OutputFile file_;
  bool committed_ = false;
};

// The usual case: all of the content at once.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

// Tries whether `path` can be written, before hours are spent on what goes into it: makes and
// removes a temporary beside it. Error(kIo) where its folder is missing or refuses, the disk takes
// nothing, or `path` is a folder.
void expect_writable(const std::filesystem::path& path);
// The same of a folder that is made later, with all that is missing above it.
void expect_writable_folder(const std::filesystem::path& path);

// A whole file as bytes. Error(kIo) if it cannot be read, is larger than `limit`, or is no regular
// file, which could keep its reader waiting for ever.
std::string read_file(const std::filesystem::path& path, int64_t limit = int64_t{1} << 30);

// The same in pieces of at most 1 MiB, for files that need not fit in memory.
void read_pieces(const std::filesystem::path& path,
                 const std::function<void(std::string_view)>& take);

// The folder that `path` names something in: "." of a bare name.
std::filesystem::path parent_folder(const std::filesystem::path& path);

// create_directories, but failing with Error(kIo).
void make_folders(const std::filesystem::path& path);

// Makes names created, renamed or removed in a folder survive a power cut.
void sync_folder(const std::filesystem::path& path);

// Renames within one file system, replacing what is there; a folder only replaces an empty one.
void rename_path(const std::filesystem::path& from, const std::filesystem::path& to);

// The path without links, "." and "..", also of a file that is not there yet.
std::filesystem::path whole_path(const std::filesystem::path& path);
// Whether writing one would replace the other.
bool same_path(const std::filesystem::path& a, const std::filesystem::path& b);

// A name for a temporary beside `path` that no other call uses, in this process or another, on this
// host or another: ".tmp-<name>-<pid>-<16 random digits>". What starts with ".tmp-" may be deleted
// when its process is gone.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

}  // namespace dtrain::util
