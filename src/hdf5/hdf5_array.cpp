// Arrays of HDF5 files: written with checksums, and looked at before they are read.
#include <algorithm>
#include <cstring>

#include "hdf5/hdf5_file.h"
#include "util/text.h"

namespace dtrain::hdf5 {
namespace {

constexpr int64_t kChunkValues = 1 << 16;
// A text longer than any path of Linux is none of ours.
constexpr size_t kMaxArrayTextBytes = 8192;

std::vector<hsize_t> to_hsize(const std::vector<int64_t>& dims) {
  return {dims.begin(), dims.end()};
}

std::string extent_text(const std::vector<int64_t>& dims) {
  return "(" + util::extents(dims) + ")";
}

// 0 for what does not fit.
int64_t product(const std::vector<int64_t>& dims) {
  int64_t all = 1;
  for (const int64_t dim : dims) {
    if (__builtin_mul_overflow(all, dim, &all)) return 0;
  }
  return all;
}

}  // namespace

template <>
hid_t hdf5_type<uint8_t>() {
  return H5T_STD_U8LE;
}
template <>
hid_t hdf5_type<uint32_t>() {
  return H5T_STD_U32LE;
}
template <>
hid_t hdf5_type<int64_t>() {
  return H5T_STD_I64LE;
}
template <>
hid_t hdf5_type<double>() {
  return H5T_IEEE_F64LE;
}
template <>
hid_t hdf5_type<float>() {
  return H5T_IEEE_F32LE;
}

int64_t Hdf5File::count(const Hdf5Array& array) { return product(array.dims); }

// --- writing
// --------------------------------------------------------------------------------------

void Hdf5File::write_values(const std::string& object,
                            hid_t type,
                            const void* values,
                            const std::vector<int64_t>& dims) {
  check(!dims.empty() && product(dims) > 0, "an array that is written has values");
  std::vector<int64_t> chunk = dims;
  const int64_t row = product(dims) / dims[0];
  chunk[0] = std::clamp<int64_t>(kChunkValues / row, 1, dims[0]);
  const int rank = int(dims.size());
  const Hdf5Id space(H5Screate_simple(rank, to_hsize(dims).data(), nullptr), H5Sclose);
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_chunk(creation, rank, to_hsize(chunk).data());
  H5Pset_fletcher32(creation);
  H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC);
  H5Pset_obj_track_times(creation, false);
  const Hdf5Id array(
      H5Dcreate2(file_, object.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  if (array < 0 || H5Dwrite(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
    throw not_written(object);
  }
}

void Hdf5File::write_strings(const std::string& object, const std::vector<std::string>& texts) {
  size_t width = 1;
  for (const std::string& text : texts) width = std::max(width, text.size());
  std::string values(width * texts.size(), '\0');
  for (size_t i = 0; i < texts.size(); ++i) {
    std::memcpy(values.data() + i * width, texts[i].data(), texts[i].size());
  }
  const Hdf5Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, width);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  write_values(object, type, values.data(), {int64_t(texts.size())});
}

// --- reading
// --------------------------------------------------------------------------------------

// Claims of a size are only believed when the values are there: memory is taken by them.
void Hdf5File::check_storage(const Hdf5Array& array, hid_t type) const {
  const auto stored = int64_t(H5Dget_storage_size(array.id));
  const int64_t values = product(array.dims);
  int64_t claimed = 0;
  if (values <= 0 || __builtin_mul_overflow(values, int64_t(H5Tget_size(type)), &claimed) ||
      claimed > stored || stored > bytes()) {
    throw damaged(array.object,
                  "has the dimensions " + extent_text(array.dims) + ", but " +
                      std::to_string(stored) + " bytes of values in a file of " +
                      std::to_string(bytes()));
  }
}

void Hdf5File::check_filters(Hdf5Array& array, hid_t plist) const {
  const int filters = H5Pget_nfilters(plist);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(plist, unsigned(i), &flags, &values, nullptr, 0, nullptr, nullptr);
    if (filter != H5Z_FILTER_FLETCHER32 || filters > 1) {
      throw damaged(array.object,
                    "uses filter " + std::to_string(filter) + "; only Fletcher32 is read");
    }
    array.trailer = 4;
  }
  if (filters < 0) throw damaged(array.object, "its filters cannot be read");
}

Hdf5Array Hdf5File::open_array(const std::string& object,
                               hid_t type,
                               const std::vector<int64_t>& dims) const {
  if (!has(object)) throw damaged(object, "is missing");
  Hdf5Array array;
  array.object = object;
  array.id = Hdf5Id(H5Dopen2(file_, object.c_str(), H5P_DEFAULT), H5Dclose);
  if (array.id < 0) throw damaged(object, "is no data set that can be read");
  const Hdf5Id plist(H5Dget_create_plist(array.id), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(plist);
  if (layout == H5D_VIRTUAL) throw refused(object, "its values are in other files (virtual)");
  if (H5Pget_external_count(plist) != 0) {
    throw refused(object, "its values are in another file (external storage)");
  }
  check_filters(array, plist);

  const Hdf5Id stored_type(H5Dget_type(array.id), H5Tclose);
  const bool is_text = H5Tget_class(type) == H5T_STRING;
  const bool same =
      is_text ? H5Tget_class(stored_type) == H5T_STRING && H5Tis_variable_str(stored_type) == 0
              : H5Tequal(stored_type, type) > 0;
  if (!same) throw damaged(object, "has another type of values than expected");

  const Hdf5Id space(H5Dget_space(array.id), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> found(size_t(std::max(rank, 0)));
  if (rank < 0 || H5Sget_simple_extent_dims(space, found.data(), nullptr) < 0) {
    throw damaged(object, "its dimensions cannot be read");
  }
  array.dims.assign(found.begin(), found.end());
  bool fits = found.size() == dims.size();
  for (size_t i = 0; fits && i < dims.size(); ++i) {
    fits = array.dims[i] >= 0 && (dims[i] < 0 || dims[i] == array.dims[i]);
  }
  if (!fits) {
    throw damaged(
        object,
        "expected the dimensions " + extent_text(dims) + ", found " + extent_text(array.dims));
  }
  check_storage(array, stored_type);
  if (layout == H5D_CHUNKED) {
    std::vector<hsize_t> chunk(found.size());
    if (H5Pget_chunk(plist, rank, chunk.data()) != rank) {
      throw damaged(object, "its chunks cannot be read");
    }
    array.chunk.assign(chunk.begin(), chunk.end());
    // The library takes memory for a whole chunk, and each one is stored in full.
    const int64_t values = product(array.chunk);
    if (values <= 0 || values > bytes() / int64_t(H5Tget_size(stored_type))) {
      throw damaged(object,
                    "its chunks, " + extent_text(array.chunk) + ", are larger than the file");
    }
  }
  return array;
}

void Hdf5File::read_values(const Hdf5Array& array, hid_t type, void* values) const {
  if (H5Dread(array.id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
    throw damaged(array.object, "cannot be read");
  }
}

std::vector<std::string> Hdf5File::read_strings(const std::string& object, int64_t n) const {
  const Hdf5Array array = open_array(object, H5T_C_S1, {n});
  const Hdf5Id type(H5Dget_type(array.id), H5Tclose);
  const size_t width = H5Tget_size(type);
  if (width == 0 || width > kMaxArrayTextBytes) throw damaged(object, "its texts are too long");
  std::string values(width * size_t(count(array)), '\0');
  read_values(array, type, values.data());
  std::vector<std::string> texts;
  for (size_t at = 0; at < values.size(); at += width) {
    const char* text = values.data() + at;
    texts.emplace_back(text, ::strnlen(text, width));
  }
  return texts;
}

}  // namespace dtrain::hdf5
