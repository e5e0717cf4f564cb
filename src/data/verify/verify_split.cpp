// The workers of a check, and what each of them does with a sample.
#include "data/verify/verify_split.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "image/bad_picture.h"
#include "image/decoder.h"
#include "image/decoding_share.h"
#include "image/header.h"
#include "util/background_thread.h"
#include "util/hash.h"

namespace dtrain::data {
namespace {

constexpr std::chrono::milliseconds kBetweenProgress(200);

ContentHash content_hash(const Sample& sample) {
  util::Hasher hasher;
  if (sample.encoded.empty()) {
    const ImageShape& shape = sample.image.shape;
    const int64_t sizes[] = {shape.height, shape.width, shape.channels};
    hasher.update(sizes, sizeof sizes);
    hasher.update(sample.image.pixels.data(), sample.image.pixels.size());
  } else {
    hasher.update(sample.encoded.data(), sample.encoded.size());
  }
  const std::string hex = hasher.hex();
  const char* middle = hex.data() + hex.size() / 2;
  ContentHash hash;
  std::from_chars(hex.data(), middle, hash.high, 16);
  std::from_chars(middle, hex.data() + hex.size(), hash.low, 16);
  return hash;
}

FindingKind kind_of(image::Fault fault) {
  switch (fault) {
    case image::Fault::kEmpty:
      return FindingKind::kEmptyFile;
    case image::Fault::kNotAPicture:
      return FindingKind::kNotAPicture;
    case image::Fault::kCutShort:
      return FindingKind::kTruncated;
    case image::Fault::kUnsupported:
      return FindingKind::kUnsupported;
    case image::Fault::kTooLarge:
      return FindingKind::kTooLarge;
    default:
      return FindingKind::kDamaged;
  }
}

bool has_ending_of(const std::filesystem::path& path, image::Format format) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return (ending == ".png") == (format == image::Format::kPng);
}

// One thread's part of the work.
class Examiner {
 public:
  Examiner(const Dataset& dataset, const std::string& split) : dataset_(dataset), split_(split) {}

  void examine(int64_t index, SampleCheck& out) {
    index_ = index;
    try {
      dataset_.read(index, sample_);
      out.target = sample_.target;
      out.bytes = static_cast<int64_t>(sample_.encoded.empty() ? sample_.image.pixels.size()
                                                               : sample_.encoded.size());
      if (!sample_.encoded.empty()) decode();
      out.hash = content_hash(sample_);
      out.good = true;
    } catch (const image::BadPicture& bad) {
      add(kind_of(bad.fault()), bad.cause());
    } catch (const Error& error) {
      add(error.code() == ExitCode::kIo ? FindingKind::kUnreadable : FindingKind::kDamaged,
          error.cause());
    } catch (const std::exception& error) {
      add(FindingKind::kUnreadable, error.what());
    }
  }
  std::vector<std::pair<int64_t, Finding>>& findings() { return findings_; }

 private:
  void add(FindingKind kind, std::string detail) {
    const std::string path = dataset_.path(index_).string();
    findings_.push_back(
        {index_, {kind, split_, path.empty() ? dataset_.describe(index_) : path, detail}});
  }

  void decode() {
    const image::Header header = image::read_header(sample_.encoded);
    const image::DecodingShare share(image::memory_to_decode(header), decoded_);
    if (header.format == image::Format::kPng) {
      image::decode_png(sample_.encoded, 3, decoded_);
    } else {
      // At an eighth of its size all of the file is read, but there is less to compute.
      image::decode_jpeg(sample_.encoded, {0, 0, header.width, header.height}, 8, 3, decoded_);
    }
    note_oddities(header);
  }

  void note_oddities(const image::Header& header) {
    const bool jpeg = header.format == image::Format::kJpeg;
    const std::filesystem::path path = dataset_.path(index_);
    if (!path.empty() && !has_ending_of(path, header.format)) {
      add(FindingKind::kWrongExtension, jpeg ? "holds a JPEG" : "holds a PNG");
    }
    if (jpeg && header.channels == 4) add(FindingKind::kCmyk, "is CMYK or YCCK");
    if (header.bits == 16) add(FindingKind::kSixteenBit, "has 16 bits a channel");
    if (header.orientation != 1) {
      add(FindingKind::kRotated, "has EXIF orientation " + std::to_string(header.orientation));
    }
  }

  const Dataset& dataset_;
  const std::string& split_;
  int64_t index_ = 0;
  Sample sample_;
  image::Decoded decoded_;
  std::vector<std::pair<int64_t, Finding>> findings_;
};

}  // namespace

SplitCheck verify_split(const Dataset& dataset,
                        const std::string& split,
                        int64_t workers,
                        const Progress& progress) {
  const int64_t total = dataset.size();
  SplitCheck out;
  out.samples.resize(static_cast<size_t>(total));
  std::atomic<int64_t> next{0}, done{0};
  std::mutex mutex;
  std::condition_variable finished;
  int64_t running = std::max<int64_t>(1, std::min(workers, total));
  std::vector<std::pair<int64_t, Finding>> found;
  const auto work = [&] {
    Examiner examiner(dataset, split);
    for (int64_t i = next++; i < total; i = next++) {
      examiner.examine(i, out.samples[static_cast<size_t>(i)]);
      ++done;
    }
    const std::lock_guard lock(mutex);
    std::move(examiner.findings().begin(), examiner.findings().end(), std::back_inserter(found));
    --running;
    finished.notify_one();
  };
  std::vector<std::thread> threads;
  for (int64_t i = running; i > 0; --i) {
    threads.push_back(util::start_background_thread("verify", 0, work));
  }
  std::unique_lock lock(mutex);
  while (!finished.wait_for(lock, kBetweenProgress, [&] { return running == 0; })) {
    if (progress) progress(done, total);
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  if (progress) progress(total, total);
  std::stable_sort(
      found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [index, finding] : found) out.findings.push_back(std::move(finding));
  return out;
}

}  // namespace dtrain::data
