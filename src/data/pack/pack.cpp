#include "data/pack/pack.h"

#include <utility>

#include "data/pack/pack_format.h"
#include "data/pack/pack_partial.h"
#include "data/pack/pack_writer.h"
#include "image/decoder.h"
#include "util/check.h"
#include "util/hash.h"
#include "util/ordered_queue.h"
#include "util/version.h"

namespace dtrain::data {
namespace {

namespace fs = std::filesystem;

// Samples that are prepared or wait to be written: those of a thread, for the writer pauses while
// it writes a chunk, and the bytes of all.
constexpr int64_t kWaitingPerThread = 8, kMaxWaitingBytes = 256 << 20;

struct PreparedSample {
  Sample sample;  // either encoded or image.pixels holds its bytes
  uint32_t crc = 0;
  bool reused = false;  // taken from an interrupted packing

  const std::vector<uint8_t>& bytes() const {
    return sample.encoded.empty() ? sample.image.pixels : sample.encoded;
  }
};

PackHeader header_of(const std::vector<PackSource>& sources, const PackOptions& options) {
  const Dataset& first = *sources.front().dataset;
  PackHeader header;
  header.class_names = first.class_names();
  header.statistics = options.statistics;
  const ImageShape shape = first.shape();
  header.has_pixels = options.size > 0 || shape.height > 0;
  if (header.has_pixels) {
    header.shape =
        options.size > 0 ? ImageShape{options.size, options.size, shape.channels} : shape;
  }
  for (const PackSource& source : sources) {
    if (source.dataset->class_names() != header.class_names || source.dataset->shape() != shape) {
      throw data_error("data set " + source.dataset->name(),
                       "has other classes or shapes than " + first.name(),
                       "one pack holds splits that belong together");
    }
  }
  return header;
}

// What decides about the content of a pack, as one word.
std::string key_of(const std::vector<PackSource>& sources,
                   const PackHeader& header,
                   const PackOptions& options) {
  util::Hasher hasher;
  const auto add = [&](const std::string& text) {
    hasher.update(std::to_string(text.size()) + ":" + text);
  };
  add(util::kVersion);
  add(std::to_string(kPackVersion));
  add(std::to_string(options.size) + (options.exact ? " exact" : ""));
  add(to_string(header.shape));
  for (const std::string& name : header.class_names) add(name);
  for (const auto* values : {&header.statistics.mean, &header.statistics.std}) {
    for (const double value : *values) add(std::to_string(value));
  }
  for (const PackSource& source : sources) {
    add(source.split);
    add(std::to_string(source.dataset->size()));
    add(source.dataset->fingerprint());
  }
  return hasher.hex();
}

// From a picture to what the pack stores, on a worker's thread.
class Preparation {
 public:
  Preparation(const PackSource& source,
              const PackHeader& header,
              const PackOptions& options,
              const PackSalvage* salvage)
      : source_(source), header_(header), salvage_(salvage), resizes_(options.size > 0) {
    framing_.shape = header.shape;
    framing_.resize = options.size;
    framing_.exact = options.exact;
  }

  void operator()(int64_t index, PreparedSample& out, FramingScratch& scratch) const {
    out.sample.encoded.clear();
    out.sample.image.pixels.clear();
    out.reused = salvage_ != nullptr && take_salvaged(index, out);
    if (out.reused) return;
    source_.dataset->read(index, out.sample);
    if (resizes_) {
      util::CounterRng unused(0, util::RandomStream::kAugment, 0, 0);
      Image framed;
      frame(framing_, out.sample, framed, scratch, unused);
      std::swap(out.sample.image, framed);
      out.sample.encoded.clear();
    } else if (!header_.has_pixels) {
      look_through(out.sample.encoded, scratch);
    }
    out.crc = pack_crc(out.bytes());
  }

 private:
  bool take_salvaged(int64_t index, PreparedSample& out) const {
    auto& bytes = header_.has_pixels ? out.sample.image.pixels : out.sample.encoded;
    const auto entry = salvage_->read(source_.split, index, bytes);
    if (!entry) return false;
    out.sample.target = entry->target;
    out.crc = entry->crc;
    return true;
  }

  // Decodes all of it at the smallest scale, which finds damage as well as the full one.
  static void look_through(const std::vector<uint8_t>& encoded, FramingScratch& scratch) {
    const image::Header header = image::read_header(encoded);
    image::decode(
        encoded, header, {0, 0, header.width, header.height}, 1, 1, 3, false, scratch.decoded);
  }

  const PackSource& source_;
  const PackHeader& header_;
  const PackSalvage* salvage_;
  bool resizes_;
  FramingParameters framing_;
};

// The next sample; nullptr, and a line in `bad`, if it is bad and to be left out. Other errors are
// thrown, with its name if it is to blame.
const PreparedSample* take_next(util::OrderedQueue<PreparedSample>& queue,
                                const Dataset& dataset,
                                int64_t index,
                                bool skip_bad,
                                std::vector<std::string>& bad) {
  try {
    return queue.next();
  } catch (const Error& error) {
    if (error.code() != ExitCode::kData) throw;
    const std::string name = dataset.describe(index);
    if (!skip_bad) {
      throw data_error(name + ", " + error.subject(),
                       error.cause(),
                       "repair it, or leave such pictures out with --skip-bad");
    }
    bad.push_back(name + ": " + error.cause());
    return nullptr;
  }
}

void pack_split(const PackSource& source,
                const PackHeader& header,
                const PackOptions& options,
                const PackSalvage* salvage,
                PackWriter& writer,
                PackJournal& journal,
                const std::function<void(int64_t)>& on_bytes,
                PackReport& report) {
  const Dataset& dataset = *source.dataset;
  journal.begin_split(source.split);
  writer.begin_split(source.split, dataset.size(), dataset.fingerprint());
  const Preparation prepare(source, header, options, salvage);
  util::OrderedQueue<PreparedSample> queue(
      {.count = dataset.size(),
       .threads = options.threads,
       .blocks = options.threads * kWaitingPerThread,
       .max_bytes = kMaxWaitingBytes,
       .bytes_of = [](const PreparedSample& one) { return int64_t(one.bytes().size()); },
       .name = "dtrain-pack"},
      [&prepare, scratch = FramingScratch()](int64_t index, PreparedSample& out) mutable {
        prepare(index, out, scratch);
      });
  const size_t bad_before = report.bad.size();
  int64_t written = 0;
  for (int64_t index = 0; index < dataset.size(); ++index) {
    const PreparedSample* prepared = take_next(queue, dataset, index, options.skip_bad, report.bad);
    int64_t bytes = 0;
    if (prepared != nullptr) {
      bytes = int64_t(prepared->bytes().size());
      const int64_t target = prepared->sample.target;
      journal.add({index, bytes, target, prepared->crc});
      writer.add({prepared->bytes(), target, prepared->crc, dataset.origin(index)});
      report.bytes += bytes;
      report.reused += prepared->reused;
      ++written;
    }
    on_bytes(bytes);
  }
  if (written == 0) {
    throw data_error("data set " + dataset.name(),
                     "none of its pictures can be read",
                     "the first one: " + report.bad[bad_before]);
  }
  writer.end_split();
  report.splits.push_back({source.split, written});
}

void expect_new(const fs::path& output) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(output, ignored))) {
    throw io_error(
        "cannot write " + output.string(), "it exists already", "remove it or choose another name");
  }
}

}  // namespace

PackReport pack(const std::vector<PackSource>& sources, const PackOptions& options) {
  check(!sources.empty() && options.threads > 0,
        "there is something to pack and somebody to do it");
  expect_new(options.output);
  const PackHeader header = header_of(sources, options);
  const std::string key = key_of(sources, header, options);
  PartialFolder partial(options.output, key);
  PackJournal journal(partial.journal(), key);
  PackWriter writer(partial.pack(), header, [&](int64_t place, int64_t bytes) {
    journal.piece_written(place, bytes);
  });
  int64_t total = 0, done = 0, all_bytes = 0;
  for (const PackSource& source : sources) total += source.dataset->size();
  const auto on_bytes = [&](int64_t bytes) {
    all_bytes += bytes;
    if (options.on_progress) options.on_progress(++done, total, all_bytes);
  };
  PackReport report;
  for (const PackSource& source : sources) {
    pack_split(source, header, options, partial.salvage(), writer, journal, on_bytes, report);
  }
  writer.finish();
  partial.finish();
  return report;
}

}  // namespace dtrain::data
