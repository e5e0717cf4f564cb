// The safetensors reader against files of Python's library, and against files nobody should trust.
#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"
#include "util/hash.h"

namespace dtrain::checkpoint {
namespace {

namespace fs = std::filesystem;
using dtrain::testing::error_text;
using dtrain::testing::names_in;
using dtrain::testing::TempFolder;
using dtrain::testing::with_file_size_limit;

const fs::path kGolden = fs::path(DTRAIN_SOURCE_DIR) / "tests/golden/safetensors";

struct Loaded {
  std::map<std::string, TensorEntry> entries;
  std::map<std::string, std::string> bytes;
  TextPairs metadata;
  std::string hash;
};

Loaded load(const fs::path& path) {
  Loaded loaded;
  SafetensorsReader reader(path);
  loaded.metadata = reader.metadata();
  loaded.hash = reader.read([&](const TensorEntry& entry) -> void* {
    loaded.entries[entry.name] = entry;
    std::string& bytes = loaded.bytes[entry.name];
    bytes.resize(static_cast<size_t>(entry.end - entry.begin));
    return bytes.data();
  });
  return loaded;
}

template <class T>
std::vector<T> values(const Loaded& loaded, const std::string& name) {
  const std::string& bytes = loaded.bytes.at(name);
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

// A whole file from a header and data.
std::string file_of(const std::string& header, const std::string& data) {
  uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  return file + header + data;
}

// What the reader says of such a file.
std::string refusal(const std::string& content) {
  TempFolder folder;
  std::ofstream(folder / "x.safetensors", std::ios::binary) << content;
  return error_text([&] { load(folder / "x.safetensors"); });
}

std::string refusal(const std::string& header, const std::string& data) {
  return refusal(file_of(header, data));
}

using Shape = std::vector<int64_t>;

TEST(Safetensors, ReadsEveryTypeThatPythonWrote) {
  Loaded file = load(kGolden / "every_type.safetensors");
  ASSERT_EQ(file.entries.size(), 12u);
  EXPECT_EQ(values<uint8_t>(file, "bool"), (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(values<uint8_t>(file, "u8"), (std::vector<uint8_t>{0, 1, 254, 255}));
  EXPECT_EQ(values<int8_t>(file, "i8"), (std::vector<int8_t>{-128, 127}));
  EXPECT_EQ(values<int16_t>(file, "i16"), (std::vector<int16_t>{-32768, 32767}));
  EXPECT_EQ(values<int32_t>(file, "i32"), (std::vector<int32_t>{INT32_MIN, INT32_MAX}));
  EXPECT_EQ(values<int64_t>(file, "i64"), (std::vector<int64_t>{INT64_MIN + 1}));
  EXPECT_EQ(values<uint16_t>(file, "f16"), (std::vector<uint16_t>{0x3800, 0xc000}));
  EXPECT_EQ(values<uint16_t>(file, "bf16"), (std::vector<uint16_t>{0x3f80, 0xc049}));
  EXPECT_EQ(values<float>(file, "f32"), (std::vector<float>{0, .25, .5, .75, 1, 1.25}));
  EXPECT_EQ(values<double>(file, "f64"), (std::vector<double>{1e300, -0.1}));
  EXPECT_EQ(values<float>(file, "näme with ünicode"), (std::vector<float>{7}));
  EXPECT_EQ(file.entries.at("i64").shape, Shape{});
  EXPECT_EQ(file.entries.at("empty").shape, (Shape{3, 0, 2}));
  EXPECT_EQ(file.entries.at("bf16").shape, (Shape{1, 2, 1}));
  EXPECT_EQ(file.entries.at("bf16").dtype, Dtype::kBF16);
  EXPECT_EQ(file.metadata, (TextPairs{{"note", "ä\n"}}));
  EXPECT_EQ(file.hash, util::hash_file_hex(kGolden / "every_type.safetensors"));
}

TEST(Safetensors, ReadsAFileWithoutTensors) {
  Loaded file = load(kGolden / "no_tensors.safetensors");
  EXPECT_TRUE(file.entries.empty());
  EXPECT_EQ(file.hash, util::hash_file_hex(kGolden / "no_tensors.safetensors"));
}

TEST(Safetensors, WritesWhatItReads) {
  TempFolder folder;
  Loaded original = load(kGolden / "every_type.safetensors");
  std::vector<TensorSpec> specs;
  for (const auto& [name, entry] : original.entries) specs.push_back(entry);
  const fs::path path = folder / "copy.safetensors";
  WrittenFile written = write_safetensors(path, specs, original.metadata, [&](size_t i) {
    return original.bytes.at(specs[i].name).data();
  });
  EXPECT_EQ(written.size, static_cast<int64_t>(fs::file_size(path)));
  EXPECT_EQ(written.hash, util::hash_file_hex(path));
  Loaded copy = load(path);
  EXPECT_EQ(copy.bytes, original.bytes);
  EXPECT_EQ(copy.metadata, original.metadata);
  for (const auto& [name, entry] : original.entries) {
    EXPECT_EQ(copy.entries.at(name).shape, entry.shape) << name;
    EXPECT_EQ(copy.entries.at(name).dtype, entry.dtype) << name;
  }
}

TEST(Safetensors, KeepsTheOrderOfTheCallerAndAlignsTheData) {
  TempFolder folder;
  const std::vector<TensorSpec> specs = {{"flag", Dtype::kU8, {3}},
                                         {"weight", Dtype::kF32, {2}},
                                         {"step", Dtype::kI64, {}},
                                         {"bias", Dtype::kF32, {1}}};
  const std::vector<std::string> bytes = {"abc", "weight00", "stepstep", "bias"};
  write_safetensors(folder / "x.safetensors", specs, {}, [&](size_t i) { return bytes[i].data(); });
  SafetensorsReader reader(folder / "x.safetensors");
  ASSERT_EQ(reader.tensors().size(), 4u);
  for (size_t i = 0; i < specs.size(); ++i) {
    const TensorEntry& entry = reader.tensors()[i];
    EXPECT_EQ(entry.name, specs[i].name);
    EXPECT_EQ(entry.begin % dtype_size(entry.dtype), 0) << entry.name;
  }
  EXPECT_EQ(load(folder / "x.safetensors").bytes.at("bias"), "bias");
  std::string content = util::read_file(folder / "x.safetensors");
  uint64_t header = 0;
  std::memcpy(&header, content.data(), sizeof header);
  EXPECT_EQ(header % 8, 0u);
}

TEST(Safetensors, ADiskThatFillsUpLeavesNothing) {
  TempFolder folder;
  EXPECT_TRUE(with_file_size_limit(1000, [&] {
    std::string bytes(4000, 'x');
    std::string text = error_text([&] {
      write_safetensors(folder / "x.safetensors", {{"w", Dtype::kF32, {1000}}}, {}, [&](size_t) {
        return bytes.data();
      });
    });
    return text.find("x.safetensors: File too large") != std::string::npos;
  }));
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(Safetensors, RefusesAFileThatIsNotOne) {
  EXPECT_NE(refusal("").find("x.safetensors: shorter than 8 bytes"), std::string::npos);
  EXPECT_NE(refusal("1234567").find("shorter than 8 bytes"), std::string::npos);
  EXPECT_NE(refusal("PK\x03\x04 some zip file").find("claims a header of"), std::string::npos);
  EXPECT_NE(refusal(std::string(8, '\xff')).find("claims a header of"), std::string::npos);
  EXPECT_NE(refusal("", "").find("does not begin with '{'"), std::string::npos);
  EXPECT_NE(refusal("[]      ", "").find("does not begin with '{'"), std::string::npos);
  EXPECT_NE(error_text([] { load("/nonexistent.safetensors"); }).find("No such file"),
            std::string::npos);
  EXPECT_NE(error_text([] { load("/tmp"); }).find("not a regular file"), std::string::npos);
}

TEST(Safetensors, RefusesAHeaderThatIsTooLargeBeforeReadingIt) {
  uint64_t length = (uint64_t{16} << 20) + 1;
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  file += '{' + std::string(length - 1, ' ');
  EXPECT_NE(refusal(file).find("claims a header of 16777217 bytes"), std::string::npos);
}

struct BadHeader {
  const char* json;
  const char* expected;
};

TEST(Safetensors, RefusesHeadersThatLie) {
  // Each is followed by 8 bytes of data.
  const BadHeader cases[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", "JSON"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x)", "JSON"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
           "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "duplicate"},
      {R"({"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", "duplicate"},
      {R"({"a":{"dtype":"F8","shape":[8],"data_offsets":[0,8]}})", "unknown dtype \"F8\""},
      {R"({"a":{"dtype":7,"shape":[8],"data_offsets":[0,8]}})", "unknown dtype 7"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "exactly dtype, shape and data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[2],"offsets":[0,8]}})", "has no \"data_offsets\""},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", "exactly dtype"},
      {R"({"a":[1,2]})", "exactly dtype"},
      {R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", "no valid shape"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "not a count"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "not a count"},
      {R"({"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}})", "not a count"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})",
       "not a count"},
      {R"({"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}})", "64 bits"},
      // 2^62 * 4 bytes wraps to 0, (2^32+2) * 2^32 / 2... wraps to 8: both would pass without
      // checks.
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}})", "overflows"},
      {R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", "overflows"},
      {R"({"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})",
       "overflows"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "needs 12 bytes"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "needs 8 bytes"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}})", "no pair of data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,-8]}})", "not a count"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", "expected 0"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", "the file holds 8"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "the file holds 8"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
           "b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "expected 8"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
           "b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}})",
       "begins at byte 5"},
      {R"({"__metadata__":{"n":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "is not a text"},
      {R"({"__metadata__":"x","a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "not an object"},
      {R"({"a":{"dtype":"F32","shape":[[[[[2]]]]],"data_offsets":[0,8]}})", "nested deeper"},
      {"{\"a\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "UTF-8"},
      {R"({})", "the file holds 8"},
  };
  for (const BadHeader& bad : cases) {
    std::string text = refusal(bad.json, "8 bytes!");
    EXPECT_NE(text.find(bad.expected), std::string::npos) << bad.json << "\nsaid: " << text;
    EXPECT_NE(text.find("x.safetensors"), std::string::npos) << text;
  }
}

TEST(Safetensors, RefusesSixtyFiveDimensions) {
  std::string shape = "1";
  for (int i = 0; i < 64; ++i) shape += ",1";
  std::string header = R"({"a":{"dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[0,1]}})";
  EXPECT_NE(refusal(header, "x").find("no valid shape"), std::string::npos);
}

TEST(Safetensors, RefusesTruthsThatAreNeitherTrueNorFalse) {
  std::string header = R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_EQ(refusal(header, std::string("\0\1", 2)), "no error");
  EXPECT_NE(refusal(header, "\1\2").find("neither 0 nor 1"), std::string::npos);
}

TEST(Safetensors, ControlCharactersInNamesDoNotReachTheMessage) {
  std::string text = refusal(R"({"\u001b[2J":{"dtype":"X","shape":[2],"data_offsets":[0,2]}})", "");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("\\u001b[2J"), std::string::npos);
}

TEST(Safetensors, EveryCutIsRefused) {
  std::string whole = util::read_file(kGolden / "every_type.safetensors");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(refusal(whole.substr(0, size)), "no error") << size << " bytes";
  }
  EXPECT_NE(refusal(whole + "x"), "no error");
}

TEST(Safetensors, DamagedHeadersAreReadOrRefusedButNeverTrusted) {
  // Whatever the bytes, the header is either consistent with the file or an Error; the sanitizer
  // build watches the rest.
  const std::string whole = util::read_file(kGolden / "every_type.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, whole.data(), sizeof length);
  const std::string header = whole.substr(8, length);
  const int64_t data_size = static_cast<int64_t>(whole.size() - 8 - length);
  std::mt19937 random(1);
  const std::string alphabet = "{}[]\",:0123456789-.eEFIU\\\0\xff ";
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = header;
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % damaged.size()] =
          random() % 2 ? static_cast<char>(random() % 256) : alphabet[random() % alphabet.size()];
    }
    try {
      SafetensorsHeader parsed = parse_safetensors_header(damaged, data_size, "damaged");
      int64_t total = 0;
      for (const TensorEntry& entry : parsed.tensors) total += entry.end - entry.begin;
      EXPECT_EQ(total, data_size);
      ++accepted;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
    }
  }
  EXPECT_LT(accepted, 10000);
  EXPECT_GT(accepted, 0);  // a letter of a name changed, for one
}

}  // namespace
}  // namespace dtrain::checkpoint
