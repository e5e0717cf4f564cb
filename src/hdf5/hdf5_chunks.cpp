#include "hdf5/hdf5_chunks.h"

#include <algorithm>

namespace dtrain::hdf5 {

Hdf5Appender::Hdf5Appender(Hdf5File& file,
                           const std::string& object,
                           hid_t type,
                           std::vector<int64_t> row,
                           int64_t rows_per_chunk)
    : file_(file), object_(object), type_(type), dims_{0}, rows_per_chunk_(rows_per_chunk) {
  dims_.insert(dims_.end(), row.begin(), row.end());
  std::vector<hsize_t> chunk = dims_, most = dims_;
  chunk[0] = hsize_t(rows_per_chunk);
  most[0] = H5S_UNLIMITED;
  const int rank = int(dims_.size());
  const Hdf5Id space(H5Screate_simple(rank, dims_.data(), most.data()), H5Sclose);
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_chunk(creation, rank, chunk.data());
  H5Pset_fletcher32(creation);
  H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC);
  H5Pset_obj_track_times(creation, false);
  // Without a cache a chunk is in the file when the call that writes it returns.
  const Hdf5Id access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  H5Pset_chunk_cache(access, 0, 0, 1.0);
  array_ =
      Hdf5Id(H5Dcreate2(file_.id(), object.c_str(), type_, space, H5P_DEFAULT, creation, access),
             H5Dclose);
  if (array_ < 0) throw file_.not_written(object_);
}

int64_t Hdf5Appender::append(const void* values, int64_t rows) {
  check(rows > 0 && rows <= rows_per_chunk_ && dims_[0] % hsize_t(rows_per_chunk_) == 0,
        "chunks are full but for the last one");
  std::vector<hsize_t> start(dims_.size(), 0), count = dims_;
  start[0] = dims_[0];
  count[0] = hsize_t(rows);
  dims_[0] += hsize_t(rows);
  const auto failed = [&] { return file_.not_written(object_); };
  if (H5Dset_extent(array_, dims_.data()) < 0) throw failed();
  const Hdf5Id space(H5Dget_space(array_), H5Sclose);
  const Hdf5Id memory(H5Screate_simple(int(count.size()), count.data(), nullptr), H5Sclose);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) <
          0 ||
      H5Dwrite(array_, type_, memory, space, H5P_DEFAULT, values) < 0) {
    throw failed();
  }
  unsigned mask = 0;
  haddr_t place = HADDR_UNDEF;
  hsize_t size = 0;
  if (H5Dget_chunk_info_by_coord(array_, start.data(), &mask, &place, &size) < 0 ||
      place == HADDR_UNDEF) {
    throw failed();
  }
  return int64_t(place);
}

std::vector<int64_t> chunk_places(const Hdf5File& file, const Hdf5Array& array) {
  const auto damaged = [&](const std::string& cause) { return file.damaged(array.object, cause); };
  if (array.chunk.empty()) throw damaged("is not stored in chunks");
  const int64_t rows = array.dims[0], rows_per_chunk = array.chunk[0];
  const Hdf5Id type(H5Dget_type(array.id), H5Tclose);
  int64_t chunk_bytes = array.chunk[0] * int64_t(H5Tget_size(type));
  for (size_t i = 1; i < array.dims.size(); ++i) {
    if (array.chunk[i] != array.dims[i]) throw damaged("has chunks that are not whole rows");
    chunk_bytes *= array.chunk[i];
  }
  const int64_t expected = (rows + rows_per_chunk - 1) / rows_per_chunk;
  const Hdf5Id space(H5Dget_space(array.id), H5Sclose);
  hsize_t chunks = 0;
  if (H5Dget_num_chunks(array.id, space, &chunks) < 0 || chunks != hsize_t(expected)) {
    throw damaged("has " + std::to_string(chunks) + " chunks instead of " +
                  std::to_string(expected));
  }
  std::vector<int64_t> places(size_t(expected), -1);
  std::vector<hsize_t> start(array.dims.size());
  for (hsize_t i = 0; i < chunks; ++i) {
    unsigned mask = 0;
    haddr_t place = HADDR_UNDEF;
    hsize_t size = 0;
    if (H5Dget_chunk_info(array.id, space, i, start.data(), &mask, &place, &size) < 0) {
      throw damaged("its index of chunks cannot be read");
    }
    const hsize_t number = start[0] / hsize_t(rows_per_chunk);
    const hsize_t end = hsize_t(file.bytes());
    if (mask != 0 || number >= chunks || places[number] >= 0 ||
        size != hsize_t(chunk_bytes + array.trailer) || place > end || size > end - place) {
      throw damaged("chunk " + std::to_string(i) + " is not where it can be");
    }
    places[number] = int64_t(place);
  }
  return places;
}

}  // namespace dtrain::hdf5
