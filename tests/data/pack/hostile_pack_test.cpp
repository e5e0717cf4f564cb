// Packs that are damaged, wrong, or made to lead elsewhere: refused with their name, before data
// are read.
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/data/pack/pack_samples.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_dataset.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::all_samples;
using dtrain::testing::bytes_of;
using dtrain::testing::EncodedPictures;
using dtrain::testing::mentions;
using dtrain::testing::open_pack;
using dtrain::testing::TinyDataset;

constexpr int64_t kSamples = 12;

// An array of a test: what is not said is what the format asks for.
struct Array {
  hid_t type = H5T_STD_I64LE;
  std::vector<hsize_t> dims = {kSamples};
  std::vector<int64_t> values = {};  // empty: zeros
  bool in_chunks = true;
  int deflate = -1;
  std::string external = "";
};

class HostilePackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const EncodedPictures train(kSamples, 3);
    pack({{"train", &train}}, {.output = file_});
  }

  // Changes the file with the library itself; `change` gets the open file.
  void edit(const std::function<void(hid_t)>& change) const {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const hid_t file = H5Fopen(file_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    change(file);
    ASSERT_GE(H5Fclose(file), 0);
  }

  // Puts another array in the place of one.
  void replace(const std::string& object, const Array& array) const {
    edit([&](hid_t file) {
      H5Ldelete(file, object.c_str(), H5P_DEFAULT);
      const int rank = int(array.dims.size());
      const hid_t space = H5Screate_simple(rank, array.dims.data(), nullptr);
      const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
      if (array.in_chunks) H5Pset_chunk(plist, rank, array.dims.data());
      if (array.deflate >= 0) H5Pset_deflate(plist, unsigned(array.deflate));
      if (!array.external.empty()) {
        H5Pset_external(plist, array.external.c_str(), 0, H5F_UNLIMITED);
      }
      const hid_t id =
          H5Dcreate2(file, object.c_str(), array.type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
      ASSERT_GE(id, 0);
      hsize_t count = 1;
      for (const hsize_t dim : array.dims) count *= dim;
      std::vector<int64_t> values = array.values;
      values.resize(count);
      if (H5Tget_class(array.type) == H5T_INTEGER) {
        ASSERT_GE(H5Dwrite(id, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
      }
      H5Dclose(id);
      H5Pclose(plist);
      H5Sclose(space);
    });
  }

  // What opening and reading all of it says.
  std::string refusal(ExitCode code = ExitCode::kData) const {
    return dtrain::testing::error_text([&] { all_samples(open_pack(file_)); }, code);
  }

  dtrain::testing::TempFolder folder_;
  const fs::path file_ = folder_ / "a.h5";
};

TEST_F(HostilePackTest, AnotherFileForTheValuesIsRefusedAsUnsafe) {
  std::ofstream(folder_ / "secret") << std::string(1000, 's');
  replace("/train/targets", {.in_chunks = false, .external = (folder_ / "secret").string()});
  EXPECT_TRUE(mentions(refusal(ExitCode::kUnsafe),
                       {"a.h5", "/train/targets", "external storage", "refused as unsafe"}));
}

TEST_F(HostilePackTest, AVirtualArrayIsRefusedAsUnsafe) {
  edit([&](hid_t file) {
    H5Ldelete(file, "/train/bytes", H5P_DEFAULT);
    const hsize_t dims[] = {10};
    const hid_t space = H5Screate_simple(1, dims, nullptr), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(plist, space, "/etc/passwd", "/x", space);
    const hid_t id =
        H5Dcreate2(file, "/train/bytes", H5T_STD_U8LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    ASSERT_GE(id, 0);
    H5Dclose(id);
    H5Pclose(plist);
    H5Sclose(space);
  });
  EXPECT_TRUE(mentions(refusal(ExitCode::kUnsafe), {"a.h5", "/train/bytes", "virtual"}));
}

TEST_F(HostilePackTest, LinksToOtherFilesAndSoftLinksAreRefusedAsUnsafe) {
  for (const char* name : {"/elsewhere", "/train/elsewhere"}) {
    edit([&](hid_t file) {
      H5Lcreate_external("/etc/passwd", "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    });
    EXPECT_TRUE(mentions(refusal(ExitCode::kUnsafe), {"a.h5", name, "another file"}));
    edit([&](hid_t file) { H5Ldelete(file, name, H5P_DEFAULT); });
  }
  edit([&](hid_t file) {
    H5Lmove(file, "/train/targets", file, "/t", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/t", file, "/train/targets", H5P_DEFAULT, H5P_DEFAULT);
  });
  EXPECT_TRUE(mentions(refusal(ExitCode::kUnsafe), {"a.h5", "/train/targets", "link"}));
}

TEST_F(HostilePackTest, GroupsThatContainThemselvesAreNoTrouble) {
  edit([&](hid_t file) {
    for (int i = 0; i < 30; ++i) {
      const std::string name = "/train/again" + std::to_string(i);
      H5Lcreate_hard(file, "/", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
  });
  EXPECT_EQ(open_pack(file_).size(), kSamples);
}

TEST_F(HostilePackTest, OtherFiltersAreRefused) {
  replace("/train/targets", {.deflate = 1});
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "/train/targets", "filter 1;", "Fletcher32"}));
}

TEST_F(HostilePackTest, AWrongSchemaIsRefusedWithTheObject) {
  const auto original = bytes_of(file_);
  const std::vector<std::tuple<std::string, Array, std::string>> cases = {
      {"/train/targets", {.type = H5T_STD_I32LE}, "type"},
      {"/train/targets", {.type = H5T_IEEE_F64LE}, "type"},
      {"/train/targets", {.dims = {kSamples, 1}}, "dimensions"},
      {"/train/targets", {.dims = {kSamples - 1}}, "/train/crc32"},
      {"/train/targets",
       {.values = {0, 1, 3}},
       "expected classes from 0 to 2, or -1 for unlabelled samples, found 3"},
      {"/train/targets", {.values = {0, -2}}, "found -2"},
      {"/train/crc32", {.type = H5T_STD_U32BE}, "type"},
      {"/train/crc32", {.type = H5T_STD_U32LE, .dims = {5}}, "dimensions"},
      {"/train/offsets", {.dims = {kSamples}}, "dimensions"},
      {"/train/offsets", {.dims = {kSamples + 1}}, "rising numbers"},
      {"/train/offsets", {.dims = {kSamples + 1}, .values = {0, 10, 9}}, "rising numbers"},
      {"/train/bytes", {.type = H5T_STD_U8LE, .dims = {10}}, "/train/offsets"},
      {"/train/bytes", {.type = H5T_STD_U8LE, .dims = {10}, .in_chunks = false}, "chunks"},
      {"/train/bytes", {.type = H5T_STD_U8LE, .dims = {10, 1}}, "dimensions"},
      {"/train/pixels", {.type = H5T_STD_U8LE, .dims = {kSamples, 2, 2}}, "dimensions"},
      {"/train/pixels", {.type = H5T_STD_U8LE, .dims = {kSamples, 2, 2, 4}}, "channels"},
      {"/train/pixels", {.type = H5T_STD_U8LE, .dims = {kSamples - 1, 2, 2, 3}}, "dimensions"},
      {"/train/paths", {}, "type"},
      {"/class_names", {}, "type"},
  };
  for (const auto& [object, array, part] : cases) {
    replace(object, array);
    EXPECT_TRUE(mentions(refusal(), {"a.h5", part})) << object;
    std::ofstream(file_, std::ios::binary)
        .write(reinterpret_cast<const char*>(original.data()), std::streamsize(original.size()));
  }
  for (const std::string object : {"/class_names",
                                   "/train",
                                   "/train/targets",
                                   "/train/crc32",
                                   "/train/offsets",
                                   "/train/paths",
                                   "/train/bytes"}) {
    edit([&](hid_t file) { H5Ldelete(file, object.c_str(), H5P_DEFAULT); });
    EXPECT_TRUE(mentions(refusal(), {"a.h5", object, "is"}));
    std::ofstream(file_, std::ios::binary)
        .write(reinterpret_cast<const char*>(original.data()), std::streamsize(original.size()));
  }
}

TEST_F(HostilePackTest, TextOfVariableLengthIsRefused) {
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  replace("/train/paths", {.type = text});
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "/train/paths", "type"}));
  H5Tclose(text);
}

// Nothing is stored of an array that was never written, whatever its dimensions.
TEST_F(HostilePackTest, ClaimsOfMoreThanIsStoredTakeNoMemory) {
  edit([&](hid_t file) {
    H5Ldelete(file, "/train/targets", H5P_DEFAULT);
    const hsize_t dims[] = {hsize_t{1} << 40}, chunk[] = {1 << 20};
    const hid_t space = H5Screate_simple(1, dims, nullptr), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, chunk);
    H5Dclose(
        H5Dcreate2(file, "/train/targets", H5T_STD_I64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    H5Sclose(space);
  });
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "/train/targets", "1099511627776"}));
}

TEST_F(HostilePackTest, AMissingChunkIsRefused) {
  edit([&](hid_t file) {
    H5Ldelete(file, "/train/bytes", H5P_DEFAULT);
    const hsize_t dims[] = {1000}, chunk[] = {1100}, most[] = {H5S_UNLIMITED};
    const hid_t space = H5Screate_simple(1, dims, most), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, chunk);
    const hid_t id =
        H5Dcreate2(file, "/train/bytes", H5T_STD_U8LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    const std::vector<uint8_t> values(1100);
    const hsize_t start[] = {0};
    H5Dwrite_chunk(id, H5P_DEFAULT, 0, start, 1100, values.data());
    const hsize_t longer[] = {1101};
    H5Dset_extent(id, longer);
    H5Dclose(id);
    H5Pclose(plist);
    H5Sclose(space);
  });
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "/train/bytes"}));
}

TEST_F(HostilePackTest, ANewerVersionIsRefusedByItsNumber) {
  edit([&](hid_t file) {
    const int64_t version = 2;
    const hid_t attribute = H5Aopen(file, "version", H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, &version);
    H5Aclose(attribute);
  });
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "version 2", "up to 1"}));
}

TEST_F(HostilePackTest, WhatIsNoPackIsRefusedWithoutWaiting) {
  edit([&](hid_t file) { H5Adelete(file, "format"); });
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "no attribute format"}));
  std::ofstream(file_, std::ios::trunc) << std::string(10000, 'x');
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "cannot be opened"}));
  std::ofstream(file_, std::ios::trunc) << "";
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "cannot be opened"}));
  fs::remove(file_);
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "No such file"}));
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "not a regular file"}));
  fs::remove(file_);
  fs::create_directory(file_);
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "not a regular file"}));
  fs::remove(file_);
  fs::create_symlink("/dev/zero", file_);
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "not a regular file"}));
}

TEST_F(HostilePackTest, AFileOfAnotherLengthThanItSaysIsRefused) {
  fs::resize_file(file_, fs::file_size(file_) + 1);
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "says it has"}));
  fs::resize_file(file_, fs::file_size(file_) - 2);
  EXPECT_TRUE(mentions(refusal(), {"a.h5", "cannot be opened (truncated file"}));
}

TEST_F(HostilePackTest, ADamagedSampleIsNamedAndTheOthersAreRead) {
  const std::vector<uint8_t> before = bytes_of(file_);
  const std::vector<uint8_t> jpeg = bytes_of(dtrain::testing::kPictures / "jpeg_420.jpg");
  const auto at = std::search(before.begin(), before.end(), jpeg.begin(), jpeg.end());
  ASSERT_NE(at, before.end());
  std::fstream(file_, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(at - before.begin() + 100)
      .put('\0');
  const PackDataset packed = open_pack(file_);
  Sample sample;
  EXPECT_TRUE(
      mentions(dtrain::testing::error_text([&] { packed.read(0, sample); }, ExitCode::kData),
               {"sample 0 of pack/train", "train/0.jpg", "a.h5", "checksum"}));
  packed.read(1, sample);
  EXPECT_EQ(sample.target, 1);
}

// --- damage at random
// -----------------------------------------------------------------------------

// Reads everything; true when it is right or refused.
::testing::AssertionResult right_or_refused(const fs::path& file,
                                            const std::vector<Sample>& expected,
                                            const std::vector<std::string>& class_names) {
  try {
    const PackDataset packed = open_pack(file);
    if (packed.class_names() != class_names)
      return ::testing::AssertionFailure() << "other classes";
    if (packed.size() != int64_t(expected.size())) {
      return ::testing::AssertionFailure() << packed.size() << " samples";
    }
    for (int64_t i = 0; i < packed.size(); ++i) {
      Sample sample;
      packed.read(i, sample);
      const Sample& right = expected[size_t(i)];
      if (sample.target != right.target || sample.encoded != right.encoded ||
          sample.image.pixels != right.image.pixels || packed.origin(i).empty()) {
        return ::testing::AssertionFailure() << "sample " << i << " is wrong";
      }
    }
  } catch (const Error& error) {
    if (error.code() != ExitCode::kData && error.code() != ExitCode::kUnsafe) {
      return ::testing::AssertionFailure() << error.what();
    }
    return mentions(error.what(), {file.filename().string()});
  }
  return ::testing::AssertionSuccess();
}

void write(const fs::path& file, const std::vector<uint8_t>& bytes, size_t size) {
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(size));
}

class DamagedPackTest : public HostilePackTest, public ::testing::WithParamInterface<int> {
 protected:
  // Few samples, so that many of the bytes are structure.
  void SetUp() override {
    if (GetParam() == 0) {
      dataset_ = std::make_unique<EncodedPictures>(2, 3);
    } else {
      dataset_ = std::make_unique<NamedPixels>();
    }
    pack({{"train", dataset_.get()}}, {.output = file_});
    bytes_ = bytes_of(file_);
    expected_ = all_samples(*dataset_);
  }

  struct NamedPixels : TinyDataset {
    NamedPixels() : TinyDataset({.train = 3, .test = 1, .height = 4, .width = 4}) {}
    std::string origin(int64_t index) const override { return "p" + std::to_string(index); }
  };

  std::unique_ptr<Dataset> dataset_;
  std::vector<uint8_t> bytes_;
  std::vector<Sample> expected_;
};

TEST_P(DamagedPackTest, OneByteChangedIsFoundOrDoesNotMatter) {
  util::CounterRng rng(5, util::RandomStream::kShuffle, 0, 0);
  for (int i = 0; i < 2000; ++i) {
    const auto at = size_t(rng.below(int64_t(bytes_.size())));
    const auto before = bytes_[at];
    bytes_[at] ^= static_cast<uint8_t>(1 + rng.below(255));
    write(file_, bytes_, bytes_.size());
    ASSERT_TRUE(right_or_refused(file_, expected_, dataset_->class_names())) << "byte " << at;
    bytes_[at] = before;
  }
}

TEST_P(DamagedPackTest, TruncationIsFoundWhereverItIs) {
  for (size_t part = 0; part < 64; ++part) {
    write(file_, bytes_, bytes_.size() * part / 64);
    ASSERT_TRUE(mentions(refusal(), {"a.h5"})) << part;
  }
}

INSTANTIATE_TEST_SUITE_P(OfFilesAndOfPixels, DamagedPackTest, ::testing::Values(0, 1));

}  // namespace
}  // namespace dtrain::data
