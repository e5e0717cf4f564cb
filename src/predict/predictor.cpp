#include "predict/predictor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "util/check.h"

namespace dtrain::predict {

Predictor::Predictor(Forward forward,
                     data::DevicePrefetcher& batches,
                     const dist::ProcessGroup& control,
                     int64_t samples,
                     int64_t batch_size,
                     int64_t views,
                     int64_t classes)
    : forward_(std::move(forward)),
      batches_(batches),
      control_(control),
      samples_(samples),
      batch_size_(batch_size),
      views_(views),
      classes_(classes) {}

int64_t Predictor::size_of(int64_t batch) const {
  return std::clamp<int64_t>(samples_ - batch * batch_size_, 0, batch_size_);
}

PredictedBatch Predictor::predict_one(int64_t first) const {
  const auto batch = batches_.next();
  check(batch.has_value(), "a rank has the batches that are dealt to it");
  std::vector<at::Tensor> views;
  // One at a time: a batch of all views would have another size, and with it other bits.
  for (int64_t v = 0; v < views_; ++v) {
    const at::Tensor logits = forward_(batch->view(v));
    check(logits.dim() == 2 && logits.size(0) == batch->size() && logits.size(1) == classes_,
          "a classifier gives a row of logits for each image");
    views.push_back(logits.to(at::kCPU, at::kFloat));
  }
  return {first, batch->ids.contiguous(), at::stack(views, 1).contiguous()};
}

void Predictor::run(const std::function<void(const PredictedBatch&)>& take) {
  const at::NoGradGuard no_grad;
  const int64_t ranks = control_.size(), rank = control_.rank();
  const int64_t all = (samples_ + batch_size_ - 1) / batch_size_;
  batches_.start_epoch(0, 0);
  for (int64_t begin = 0; begin < all; begin += ranks) {
    PredictedBatch mine{0, at::empty({0}, at::kLong), at::empty({0, views_, classes_})};
    if (begin + rank < all) mine = predict_one((begin + rank) * batch_size_);
    std::vector<int64_t> send(size_t(ranks), 0), receive(size_t(ranks), 0);
    send[0] = mine.ids.size(0);
    int64_t rows = 0;
    for (int64_t r = 0; rank == 0 && r < ranks; ++r) {
      rows += receive[size_t(r)] = size_of(begin + r);
    }
    at::Tensor ids = at::empty({rows}, at::kLong);
    at::Tensor logits = at::empty({rows, views_, classes_});
    control_.all_to_all(ids, mine.ids, receive, send);
    control_.all_to_all(logits, mine.logits, receive, send);
    // The batches of a round stand one behind the other.
    for (int64_t at = 0, b = begin; at < rows; at += size_of(b++)) {
      take({b * batch_size_, ids.narrow(0, at, size_of(b)), logits.narrow(0, at, size_of(b))});
    }
  }
}

}  // namespace dtrain::predict
