// The workers of a check, and what each of them does with a sample.
#include "data/verify/verify_split.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>

#include "image/bad_picture.h"
#include "image/decoder.h"
#include "image/decoding_share.h"
#include "image/header.h"
#include "util/hash.h"
#include "util/ordered_queue.h"
#include "util/timer.h"

namespace dtrain::data {
namespace {

constexpr double kSecondsBetweenProgress = 0.2;
// Handing over costs more than looking at a small sample does; a block of large ones takes a
// moment.
constexpr int64_t kSamplesPerBlock = 16, kBlocksPerThread = 8;

struct CheckedBlock {
  std::vector<SampleCheck> samples;
  std::vector<Finding> findings;
};

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

// One thread's part of the work.
class Examiner {
 public:
  Examiner(const Dataset& dataset, const std::string& split) : dataset_(dataset), split_(split) {}

  void examine(int64_t begin, int64_t end, CheckedBlock& out) {
    out = {};
    for (index_ = begin; index_ < end; ++index_) examine(out.samples.emplace_back());
    std::swap(out.findings, findings_);
  }

 private:
  void examine(SampleCheck& out) {
    try {
      dataset_.read(index_, sample_);
      out.target = sample_.target;
      out.bytes = static_cast<int64_t>(sample_.encoded.empty() ? sample_.image.pixels.size()
                                                               : sample_.encoded.size());
      if (!sample_.encoded.empty()) decode();
      out.hash = content_hash(sample_);
      out.good = true;
    } catch (const image::BadPicture& bad) {
      add(kind_of(bad.fault()), bad.cause());
    } catch (const Error& error) {
      if (error.code() == ExitCode::kMissing) throw;  // the machine is to blame, not the sample
      add(error.code() == ExitCode::kData ? FindingKind::kDamaged : FindingKind::kUnreadable,
          error.cause());
    } catch (const std::exception& error) {
      add(FindingKind::kUnreadable, error.what());
    }
  }

  void add(FindingKind kind, std::string detail) {
    const std::string path = dataset_.path(index_).string();
    findings_.push_back({kind, split_, path.empty() ? dataset_.describe(index_) : path, detail});
  }

  void decode() {
    const image::Header header = image::read_header(sample_.encoded);
    const image::DecodingShare share(image::memory_to_decode(header), decoded_);
    const image::Rectangle whole{0, 0, header.width, header.height};
    if (header.format == image::Format::kJpeg) {
      // At an eighth of its size all of the file is read, but there is less to compute.
      image::decode_jpeg(sample_.encoded, whole, 8, 3, decoded_);
    } else {
      image::decode(sample_.encoded, header, whole, 1, 1, 3, /*exact=*/false, decoded_);
    }
    note_oddities(header);
  }

  void note_oddities(const image::Header& header) {
    const std::filesystem::path path = dataset_.path(index_);
    if (!path.empty() && !image::has_ending_of(path, header.format)) {
      add(FindingKind::kWrongExtension, std::string("holds a ") + image::name_of(header.format));
    }
    if (header.cmyk) add(FindingKind::kCmyk, "is CMYK or YCCK");
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
  std::vector<Finding> findings_;  // of the block
};

}  // namespace

SplitCheck verify_split(const Dataset& dataset,
                        const std::string& split,
                        int64_t workers,
                        const Progress& progress) {
  const int64_t total = dataset.size(), threads = std::max<int64_t>(1, workers);
  SplitCheck out;
  out.samples.reserve(static_cast<size_t>(total));
  util::OrderedQueue<CheckedBlock> queue(
      {.count = (total + kSamplesPerBlock - 1) / kSamplesPerBlock,
       .threads = threads,
       .blocks = threads * kBlocksPerThread,
       .name = "dtrain-verify"},
      [examiner = Examiner(dataset, split), total](int64_t number, CheckedBlock& block) mutable {
        const int64_t begin = number * kSamplesPerBlock;
        examiner.examine(begin, std::min(begin + kSamplesPerBlock, total), block);
      });
  util::Timer since_progress;
  while (CheckedBlock* block = queue.next()) {
    out.samples.insert(out.samples.end(), block->samples.begin(), block->samples.end());
    std::move(block->findings.begin(), block->findings.end(), std::back_inserter(out.findings));
    if (progress && since_progress.seconds() >= kSecondsBetweenProgress) {
      progress(static_cast<int64_t>(out.samples.size()), total);
      since_progress.reset();
    }
  }
  if (progress) progress(total, total);
  return out;
}

}  // namespace dtrain::data
