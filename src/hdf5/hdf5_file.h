// HDF5 files as dtrain writes and reads them: numbers and text in arrays with checksums, and
// nothing that leads out of the file.
//
//   Hdf5File file("a.h5", Hdf5File::Mode::kCreate);      Hdf5File file("a.h5", Mode::kRead);
//   file.write_attribute("/", "version", int64_t{1});    file.read_integer("/", "version");
//   file.write<int64_t>("/targets", targets, {n});       file.read<int64_t>("/targets", {n});
//   file.close();
//
// Note [Files of others]
// A file can name other files (external storage, external links, virtual data sets) and ask for
// filters that are loaded from the disk as libraries. All of that is refused before any data are
// read: links when a file is opened, the rest when an array is. The library itself trusts the
// structures of a file; they carry checksums in the form that is written here, so damage is found,
// but whoever makes a file on purpose can make its checksums right (docs/pack_format.md).
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "util/check.h"

namespace dtrain::hdf5 {

// An identifier of the library that is given back in the end.
class Hdf5Id {
 public:
  Hdf5Id() = default;
  Hdf5Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Hdf5Id() {
    if (id_ >= 0) close_(id_);
  }
  Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Id& operator=(Hdf5Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  operator hid_t() const { return id_; }
  hid_t release() { return std::exchange(id_, -1); }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

// How a number is stored: little endian. Defined for uint8_t, uint32_t, int64_t, float
// and double.
template <class T>
hid_t hdf5_type();

// An array of a file that was opened for reading and looked at.
struct Hdf5Array {
  Hdf5Id id;
  std::string object;
  std::vector<int64_t> dims;
  std::vector<int64_t> chunk;  // empty: not in chunks
  int64_t trailer = 0;         // bytes of checksum behind each chunk
};

// Open while it lives, or until close(). The library keeps global state, so a second thread that
// makes one waits until the first one's is gone; it ends on the thread that made it.
class Hdf5File {
 public:
  enum class Mode { kCreate, kRead };

  // kCreate replaces what is there; failures are Error(kIo). kRead throws Error(kData) for what is
  // no regular file, no HDF5 or damaged, Error(kUnsafe) for a link that is not a plain one, and
  // `advice` goes with both.
  Hdf5File(std::filesystem::path path, Mode mode, std::string advice = "");

  const std::filesystem::path& path() const { return path_; }
  hid_t id() const { return file_; }
  int descriptor() const;  // the library's own; borrowed
  int64_t bytes() const;   // length of the file

  // --- writing; everything has Fletcher32 checksums, dates are left out -------------------------
  void make_group(const std::string& object);
  void write_attribute(const std::string& object, const std::string& name, int64_t value);
  void write_attribute(const std::string& object, const std::string& name, double value);
  void write_attribute(const std::string& object,
                       const std::string& name,
                       const std::string& value);
  template <class T>
  void write(const std::string& object, std::span<const T> values, std::vector<int64_t> dims) {
    write_values(object, hdf5_type<T>(), values.data(), dims);
  }
  // As texts of one length, filled up with zeros.
  void write_strings(const std::string& object, const std::vector<std::string>& texts);
  void close();  // checked; the file is complete and on the disk

  // --- reading ----------------------------------------------------------------------------------
  bool has(const std::string& object) const;
  int64_t read_integer(const std::string& object, const std::string& name) const;
  double read_number(const std::string& object, const std::string& name) const;  // a float64
  std::string read_text(const std::string& object, const std::string& name) const;
  // Of exactly that type and these dimensions; -1 stands for any length.
  template <class T>
  std::vector<T> read(const std::string& object, const std::vector<int64_t>& dims) const {
    const Hdf5Array array = open_array(object, hdf5_type<T>(), dims);
    std::vector<T> values(static_cast<size_t>(count(array)));
    read_values(array, hdf5_type<T>(), values.data());
    return values;
  }
  std::vector<std::string> read_strings(const std::string& object, int64_t count) const;

  // Refuses external storage, virtual data sets, all filters but Fletcher32, other types and
  // dimensions, and claims of more values than are stored.
  Hdf5Array open_array(const std::string& object,
                       hid_t type,
                       const std::vector<int64_t>& dims) const;

  // Errors that name the file and the object, with the library's own words where it has some.
  Error damaged(const std::string& object, const std::string& cause) const;
  Error refused(const std::string& object, const std::string& cause) const;
  Error not_written(const std::string& object) const;

 private:
  static int64_t count(const Hdf5Array& array);
  void create();
  void open();
  void check_links(const std::string& group, std::set<haddr_t>& seen) const;
  template <class T>
  void write_scalar(const std::string& object, const std::string& name, hid_t type, T value);
  template <class T>
  T read_scalar(const std::string& object, const std::string& name, hid_t type) const;
  Hdf5Id open_attribute(const std::string& object, const std::string& name) const;
  void check_storage(const Hdf5Array& array, hid_t type) const;
  void check_filters(Hdf5Array& array, hid_t plist) const;
  void write_values(const std::string& object,
                    hid_t type,
                    const void* values,
                    const std::vector<int64_t>& dims);
  void read_values(const Hdf5Array& array, hid_t type, void* values) const;

  std::unique_lock<std::recursive_mutex> lock_;
  std::filesystem::path path_;
  std::string advice_;
  Hdf5Id file_;
};

// What the library says about its last failure on this thread; empty when nothing.
std::string hdf5_cause();

}  // namespace dtrain::hdf5
