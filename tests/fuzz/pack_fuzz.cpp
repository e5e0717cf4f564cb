// Packs whose schema is another than it should be. The bytes of an HDF5 file carry checksums, so
// that changing them at random shows little; instead the input is read as a list of edits, which
// the HDF5 library makes on a good pack, and of bytes that are changed last.
#include <fuzzer/FuzzedDataProvider.h>
#include <hdf5.h>

#include <vector>

#include "data/pack/pack_dataset.h"
#include "tests/fuzz/fuzz_input.h"
#include "util/atomic_file.h"

using dtrain::ExitCode;
using dtrain::testing::require;

namespace {

const char* const kObjects[] = {"/class_names",
                                "/train",
                                "/train/targets",
                                "/train/crc32",
                                "/train/paths",
                                "/train/offsets",
                                "/train/bytes",
                                "/train/pixels",
                                "/test",
                                "/validation"};
const char* const kAttributes[] = {"format", "version", "source_fingerprint"};

// A pack while it is edited.
class OpenPack {
 public:
  explicit OpenPack(const std::string& path) {
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    H5Pset_file_locking(access, false, true);
    file_ = H5Fopen(path.c_str(), H5F_ACC_RDWR, access);
    H5Pclose(access);
    require(file_ >= 0, "the good pack is opened");
  }
  ~OpenPack() { H5Fclose(file_); }
  OpenPack(const OpenPack&) = delete;
  OpenPack& operator=(const OpenPack&) = delete;

  void edit(FuzzedDataProvider& input) {
    const char* object = input.PickValueInArray(kObjects);
    switch (input.ConsumeIntegralInRange(0, 7)) {
      case 0:
        H5Ldelete(file_, object, H5P_DEFAULT);
        break;
      case 1:
      case 2:
        H5Ldelete(file_, object, H5P_DEFAULT);
        make_array(object, input);
        break;
      case 3:
        H5Lcreate_soft("/train/targets", file_, object, H5P_DEFAULT, H5P_DEFAULT);
        break;
      case 4:
        H5Lcreate_external("/dev/zero", "/", file_, object, H5P_DEFAULT, H5P_DEFAULT);
        break;
      case 5:
        H5Lcreate_hard(
            file_, input.PickValueInArray(kObjects), file_, object, H5P_DEFAULT, H5P_DEFAULT);
        break;
      case 6:
        H5Gclose(H5Gcreate2(file_, object, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        break;
      default:
        make_attribute(input.ConsumeBool() ? "/" : object, input);
    }
  }

 private:
  static hid_t type_of(FuzzedDataProvider& input) {
    const hid_t types[] = {
        H5T_STD_I64LE, H5T_STD_U32LE, H5T_STD_U8LE, H5T_STD_I64BE, H5T_IEEE_F64LE, H5T_C_S1};
    const hid_t type = H5Tcopy(input.PickValueInArray(types));
    if (H5Tget_class(type) != H5T_STRING) return type;
    const auto length = input.ConsumeIntegral<uint8_t>();
    H5Tset_size(type, length > 0 ? length : H5T_VARIABLE);
    return type;
  }

  void make_array(const char* object, FuzzedDataProvider& input) {
    const hid_t type = type_of(input);
    hsize_t dims[4], chunk[4];
    const int rank = input.ConsumeIntegralInRange(0, 4);
    double count = 1;  // which the library's own can overflow
    for (int i = 0; i < rank; ++i) {
      dims[i] = input.ConsumeBool() ? input.ConsumeIntegralInRange<hsize_t>(1, 12)
                                    : input.ConsumeIntegral<hsize_t>();
      count *= double(dims[i]);
      chunk[i] = input.ConsumeIntegralInRange<hsize_t>(1, 8);
    }
    const hid_t space = H5Screate_simple(rank, dims, nullptr),
                plist = H5Pcreate(H5P_DATASET_CREATE);
    if (rank > 0 && input.ConsumeBool()) H5Pset_chunk(plist, rank, chunk);
    if (input.ConsumeBool()) H5Pset_fletcher32(plist);
    if (input.ConsumeIntegralInRange(0, 7) == 0) H5Pset_deflate(plist, 1);
    if (input.ConsumeIntegralInRange(0, 7) == 0) {
      H5Pset_external(plist, "/dev/zero", 0, H5F_UNLIMITED);
    }
    const hid_t id = H5Dcreate2(file_, object, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (id >= 0 && count <= 4096 && H5Tget_class(type) == H5T_INTEGER) {
      std::vector<int64_t> values(4096);
      for (int64_t& value : values) value = input.ConsumeIntegral<int8_t>();
      H5Dwrite(id, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
    if (id >= 0) H5Dclose(id);
    H5Pclose(plist);
    H5Sclose(space);
    H5Tclose(type);
  }

  void make_attribute(const char* object, FuzzedDataProvider& input) {
    const char* name = input.PickValueInArray(kAttributes);
    H5Adelete_by_name(file_, object, name, H5P_DEFAULT);
    const hid_t type = type_of(input), space = H5Screate(H5S_SCALAR);
    const hid_t id =
        H5Acreate_by_name(file_, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (id >= 0 && H5Tis_variable_str(type) == 0) {
      std::vector<uint8_t> value = input.ConsumeBytes<uint8_t>(H5Tget_size(type));
      value.resize(H5Tget_size(type));
      H5Awrite(id, type, value.data());
    }
    if (id >= 0) H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
  }

  hid_t file_;
};

std::vector<uint8_t> pack_named(const std::string& name) {
  const std::string content = dtrain::util::read_file(
      DTRAIN_SOURCE_DIR "/tests/golden/pack_v1_" + name + ".h5", int64_t{1} << 20);
  return {content.begin(), content.end()};
}

// False when the pack or one of its samples is refused.
bool read_all(const std::string& path, const std::string& split) {
  bool good = true;
  good &= dtrain::testing::read_or_refused({ExitCode::kData, ExitCode::kUnsafe}, [&] {
    dtrain::data::PackDataset pack(
        {.name = "fuzz", .file = path, .split = split, .limit = 0, .advice = "advice"});
    dtrain::data::Sample sample;
    for (int64_t i = 0; i < pack.size(); ++i) {
      good &= dtrain::testing::read_or_refused({ExitCode::kData}, [&] {
        pack.read(i, sample);
        require(sample.target >= -1 && sample.target < pack.num_classes(), "a target is a class");
        require(pack.shape().height == 0 || sample.image.shape == pack.shape(),
                "pixels have the pack's shape");
      });
    }
  });
  return good;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const std::vector<uint8_t> packs[] = {pack_named("files"), pack_named("pixels")};
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  FuzzedDataProvider input(bytes, size);
  const std::vector<uint8_t>& good_pack = packs[input.ConsumeIntegralInRange(0, 1)];
  const dtrain::testing::InputFile file(good_pack.data(), good_pack.size());
  const int edits = input.ConsumeIntegralInRange(0, 4);
  if (edits > 0) {
    OpenPack open(file.path());
    for (int i = 0; i < edits; ++i) open.edit(input);
  }
  const int patches = input.ConsumeIntegralInRange(0, 3);
  for (int i = 0; i < patches; ++i) {
    file.flip(input.ConsumeIntegralInRange<int64_t>(0, file.size() - 1),
              input.ConsumeIntegral<uint8_t>());
  }
  for (const char* split : {"train", "test"}) {
    const bool good = read_all(file.path(), split);
    require(good || edits + patches > 0, "a good pack is read");
  }
  return 0;
}
