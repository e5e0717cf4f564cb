#include "data/loader/background_check.h"

#include <exception>
#include <utility>
#include <vector>

#include "util/background_thread.h"

namespace dtrain::data {
namespace {

constexpr int kNice = 19;  // below the loader's workers

}  // namespace

BackgroundCheck::BackgroundCheck(const Dataset& dataset, View view, Shard shard)
    : pipeline_(dataset, Views{std::move(view)}, /*seed=*/0, {}),
      samples_(dataset.size()),
      shard_(shard),
      thread_(util::start_background_thread("dtrain-check", kNice, [this] { run(); })) {}

BackgroundCheck::~BackgroundCheck() {
  stops_ = true;
  thread_.join();
}

BackgroundCheck::Found BackgroundCheck::found() const {
  const std::lock_guard lock(mutex_);
  return found_;
}

void BackgroundCheck::run() {
  std::vector<uint8_t> pixels(static_cast<size_t>(pipeline_.shape().bytes()));
  HostBatch batch;
  batch.images = pixels.data();
  batch.size = 1;
  batch.shape = pipeline_.shape();
  batch.targets.resize(1);
  batch.ids.resize(1);
  SamplePipeline::Scratch scratch;
  for (int64_t index = shard_.rank; index < samples_ && !stops_; index += shard_.world_size) {
    check(index, batch, scratch);
  }
  const std::lock_guard lock(mutex_);
  found_.is_over = true;
}

void BackgroundCheck::check(int64_t index, HostBatch& batch, SamplePipeline::Scratch& scratch) {
  std::optional<Error> error;
  try {
    pipeline_.make(index, /*epoch=*/0, /*position=*/0, batch, scratch);
  } catch (const Error& bad) {
    error = bad;
  } catch (const std::exception& unexpected) {  // such as memory that is not there
    error = Error(ExitCode::kGaveUp, "evaluation data", unexpected.what(), "");
  }
  const std::lock_guard lock(mutex_);
  ++found_.checked;
  if (!error) return;
  ++found_.bad;
  if (!found_.first) found_.first = std::move(error);
}

}  // namespace dtrain::data
