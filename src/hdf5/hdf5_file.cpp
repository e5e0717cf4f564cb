// Opening, groups, links, attributes and errors. Arrays are in hdf5_array.cpp.
#include "hdf5/hdf5_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <cstring>

#include "util/atomic_file.h"

namespace dtrain::hdf5 {
namespace {

constexpr size_t kMaxAttributeTextBytes = 4096;  // of an attribute

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

// Once in a process, before all other calls of the library.
void prepare_library() {
  static const bool done = [] {
    // At the end of the process the library would try again to write what a full disk refused.
    H5dont_atexit();
    H5open();
    H5PLset_loading_state(0);  // filters as libraries from the disk
    return true;
  }();
  (void)done;
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // a setting of each thread
}

Hdf5Id text_type(size_t bytes) {
  Hdf5Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, bytes);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

// The innermost message comes first.
herr_t take_first(unsigned position, const H5E_error2_t* error, void* text) {
  if (position == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

}  // namespace

std::string hdf5_cause() {
  std::string cause;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &cause);
  return cause;
}

Hdf5File::Hdf5File(std::filesystem::path path, Mode mode, std::string advice)
    : lock_(library_mutex()), path_(std::move(path)), advice_(std::move(advice)) {
  prepare_library();
  mode == Mode::kCreate ? create() : open();
}

// Note [Checksums of structures]
// The library's newer form has a checksum on every structure; the older one, its default, on none.
void Hdf5File::create() {
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_sec2(access);
  H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_file_locking(access, false, true);  // some network file systems have none
  const Hdf5Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  file_ = Hdf5Id(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose);
  if (file_ < 0) throw not_written("/");
}

void Hdf5File::open() {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) {
    throw data_error("HDF5 file " + path_.string(), std::strerror(errno), advice_);
  }
  if (!S_ISREG(status.st_mode)) {
    throw data_error("HDF5 file " + path_.string(), "is not a regular file", advice_);
  }
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_sec2(access);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_file_locking(access, false, true);
  file_ = Hdf5Id(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (file_ < 0) throw damaged("/", "cannot be opened");
  const Hdf5Id creation(H5Fget_create_plist(file_), H5Pclose);
  hsize_t user_block = 0;
  if (H5Pget_userblock(creation, &user_block) < 0 || user_block != 0) {
    throw damaged("/", "there are other data before the HDF5 file begins");
  }
  haddr_t end = 0;
  if (H5Fget_eoa(file_, &end) < 0 || end != haddr_t(bytes())) {
    throw damaged(
        "/", "has " + std::to_string(bytes()) + " bytes and says it has " + std::to_string(end));
  }
  std::set<haddr_t> seen;
  check_links("/", seen);
}

int Hdf5File::descriptor() const {
  void* handle = nullptr;
  check(H5Fget_vfd_handle(file_, H5P_DEFAULT, &handle) >= 0 && handle != nullptr,
        "the HDF5 driver is that of plain files");
  return *static_cast<int*>(handle);
}

int64_t Hdf5File::bytes() const {
  struct stat status {};
  if (::fstat(descriptor(), &status) != 0) throw util::file_error("cannot read", path_, errno);
  return status.st_size;
}

// --- errors
// ---------------------------------------------------------------------------------------

Error Hdf5File::damaged(const std::string& object, const std::string& cause) const {
  const std::string words = hdf5_cause();
  return data_error("HDF5 file " + path_.string() + ", object " + object,
                    cause + (words.empty() ? "" : " (" + words + ")"),
                    advice_);
}

Error Hdf5File::refused(const std::string& object, const std::string& cause) const {
  return {ExitCode::kUnsafe,
          "HDF5 file " + path_.string() + ", object " + object,
          "refused as unsafe: " + cause,
          advice_};
}

Error Hdf5File::not_written(const std::string& object) const {
  const std::string words = hdf5_cause();
  const size_t at = words.find("errno = ");
  if (at != std::string::npos) {
    return util::file_error("cannot write", path_, std::atoi(words.c_str() + at + 8));
  }
  return io_error("cannot write " + path_.string() + ", object " + object,
                  words.empty() ? "the HDF5 library gives no reason" : words,
                  "check the disk and the path");
}

// --- groups and links
// -----------------------------------------------------------------------------

void Hdf5File::make_group(const std::string& object) {
  const Hdf5Id creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  const Hdf5Id group(H5Gcreate2(file_, object.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT),
                     H5Gclose);
  if (group < 0) throw not_written(object);
}

bool Hdf5File::has(const std::string& object) const {
  return H5Lexists(file_, object.c_str(), H5P_DEFAULT) > 0;
}

// Every link of the group and of the groups below, each of them once.
void Hdf5File::check_links(const std::string& group, std::set<haddr_t>& seen) const {
  struct Link {
    std::string name;
    H5L_type_t type;
  };
  std::vector<Link> links;
  const auto take = [](hid_t, const char* name, const H5L_info_t* info, void* to) -> herr_t {
    static_cast<std::vector<Link>*>(to)->push_back({name, info->type});
    return 0;
  };
  const Hdf5Id id(H5Gopen2(file_, group.c_str(), H5P_DEFAULT), H5Gclose);
  if (id < 0 || H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, take, &links) < 0) {
    throw damaged(group, "cannot be read");
  }
  for (const Link& link : links) {
    const std::string object = group + (group == "/" ? "" : "/") + link.name;
    if (link.type == H5L_TYPE_EXTERNAL) throw refused(object, "it is a link to another file");
    if (link.type != H5L_TYPE_HARD) throw refused(object, "it is a link of another kind than hard");
    H5O_info_t info;
    if (H5Oget_info_by_name2(id, link.name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
      throw damaged(object, "cannot be read");
    }
    const bool is_new = seen.insert(info.addr).second;
    if (is_new && info.type == H5O_TYPE_GROUP) check_links(object, seen);
  }
}

// --- attributes
// -----------------------------------------------------------------------------------

template <class T>
void Hdf5File::write_scalar(const std::string& object,
                            const std::string& name,
                            hid_t type,
                            T value) {
  const Hdf5Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Id attribute(
      H5Acreate_by_name(
          file_, object.c_str(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  if (attribute < 0 || H5Awrite(attribute, type, &value) < 0) throw not_written(object);
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name, int64_t value) {
  write_scalar(object, name, H5T_STD_I64LE, value);
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name, double value) {
  write_scalar(object, name, H5T_IEEE_F64LE, value);
}

void Hdf5File::write_attribute(const std::string& object,
                               const std::string& name,
                               const std::string& value) {
  check(!value.empty() && value.size() <= kMaxAttributeTextBytes,
        "a text of an attribute is short");
  const Hdf5Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Id type = text_type(value.size());
  const Hdf5Id attribute(
      H5Acreate_by_name(
          file_, object.c_str(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  if (attribute < 0 || H5Awrite(attribute, type, value.data()) < 0) throw not_written(object);
}

Hdf5Id Hdf5File::open_attribute(const std::string& object, const std::string& name) const {
  Hdf5Id attribute(H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                   H5Aclose);
  if (attribute < 0) throw damaged(object, "has no attribute " + name);
  const Hdf5Id space(H5Aget_space(attribute), H5Sclose);
  if (H5Sget_simple_extent_type(space) != H5S_SCALAR) {
    throw damaged(object, "attribute " + name + " is not one value");
  }
  return attribute;
}

template <class T>
T Hdf5File::read_scalar(const std::string& object, const std::string& name, hid_t type) const {
  const Hdf5Id attribute = open_attribute(object, name);
  const Hdf5Id stored(H5Aget_type(attribute), H5Tclose);
  T value = 0;
  if (H5Tequal(stored, type) <= 0) {
    throw damaged(object, "attribute " + name + " has another type than expected");
  }
  if (H5Aread(attribute, type, &value) < 0) {
    throw damaged(object, "attribute " + name + " cannot be read");
  }
  return value;
}

int64_t Hdf5File::read_integer(const std::string& object, const std::string& name) const {
  return read_scalar<int64_t>(object, name, H5T_STD_I64LE);
}

double Hdf5File::read_number(const std::string& object, const std::string& name) const {
  return read_scalar<double>(object, name, H5T_IEEE_F64LE);
}

std::string Hdf5File::read_text(const std::string& object, const std::string& name) const {
  const Hdf5Id attribute = open_attribute(object, name);
  const Hdf5Id type(H5Aget_type(attribute), H5Tclose);
  const size_t size = H5Tget_size(type);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || size == 0 ||
      size > kMaxAttributeTextBytes) {
    throw damaged(object, "attribute " + name + " is not a short text of fixed length");
  }
  std::string text(size, '\0');
  if (H5Aread(attribute, type, text.data()) < 0) {
    throw damaged(object, "attribute " + name + " cannot be read");
  }
  return text.substr(0, text.find('\0'));
}

void Hdf5File::close() {
  // Some errors show only when the last pieces are written; what cannot be closed is left open.
  if (H5Fflush(file_, H5F_SCOPE_LOCAL) < 0) throw not_written("/");
  if (H5Fclose(file_.release()) < 0) throw not_written("/");
  util::OutputFile(path_, util::OutputFile::Mode::kAppend).sync();
}

}  // namespace dtrain::hdf5
