// Checksums: known answers of the xxHash reference (xxh128sum 0.8.1), and independence of the cuts.
#include "util/hash.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "util/check.h"

namespace dtrain::util {
namespace {

std::string counting_bytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 7 + 3) % 251);
  return bytes;
}

TEST(Hash, MatchesTheReferenceProgramForEveryLengthClass) {
  EXPECT_EQ(hash_hex(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash_hex(counting_bytes(1)), "22bbb76b211a39ba13e608bc156defed");
  EXPECT_EQ(hash_hex(counting_bytes(3)), "ce31763cbf8245a5a9088dda485b481c");
  EXPECT_EQ(hash_hex(counting_bytes(8)), "e3bc8a5f461715553cd024e3d63a1588");
  EXPECT_EQ(hash_hex(counting_bytes(16)), "ce0b9647ab24f88460d75c5e47d40a24");
  EXPECT_EQ(hash_hex(counting_bytes(17)), "bfd327edcc2fbd12eeed7654312a26d7");
  EXPECT_EQ(hash_hex(counting_bytes(128)), "a04233e3c9599748ef7e4d57ed67de26");
  EXPECT_EQ(hash_hex(counting_bytes(129)), "6e83694c09641bb7a28da26446fd5ab0");
  EXPECT_EQ(hash_hex(counting_bytes(240)), "9a8457fec9cfea5e2288b3c22f48dea4");
  EXPECT_EQ(hash_hex(counting_bytes(241)), "07870750a974395682b1de299f6e411e");
  EXPECT_EQ(hash_hex(counting_bytes(1024)), "f96a1bbdb2fef572f75e768c7cdd54b2");
  EXPECT_EQ(hash_hex(counting_bytes(100000)), "c0f903c0bf0d5d15d449c3d3e190d6d6");
}

TEST(Hash, DoesNotDependOnHowTheBytesAreCut) {
  std::string bytes = counting_bytes(100000);
  for (size_t piece : {size_t{1}, size_t{63}, size_t{1024}, size_t{99999}}) {
    Hasher hasher;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      hasher.update(std::string_view(bytes).substr(at, piece));
    }
    EXPECT_EQ(hasher.hex(), hash_hex(bytes)) << "pieces of " << piece;
  }
}

TEST(Hash, MayBeReadBetweenTwoPieces) {
  Hasher hasher;
  hasher.update("abc");
  EXPECT_EQ(hasher.hex(), hash_hex("abc"));
  hasher.update("def");
  EXPECT_EQ(hasher.hex(), hash_hex("abcdef"));
}

TEST(Hash, OfAFileIsTheHashOfItsBytes) {
  auto path = std::filesystem::path(testing::TempDir()) / "dtrain_hash_test.bin";
  std::string bytes = counting_bytes((size_t{1} << 20) + 17);
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(hash_file_hex(path), hash_hex(bytes));
  std::filesystem::remove(path);
}

TEST(Hash, OfAMissingFileNamesTheFile) {
  try {
    hash_file_hex("/nonexistent/pack.h5");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kIo);
    EXPECT_NE(std::string(error.what()).find("/nonexistent/pack.h5"), std::string::npos);
  }
}

}  // namespace
}  // namespace dtrain::util
