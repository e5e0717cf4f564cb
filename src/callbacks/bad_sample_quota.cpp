#include "callbacks/bad_sample_quota.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "dist/peer_failed.h"
#include "util/check.h"
#include "util/log.h"

namespace dtrain::callbacks {

BadSampleQuota::BadSampleQuota(Replaced replaced, const dist::ProcessGroup& control, int64_t quota)
    : replaced_(std::move(replaced)), control_(control), quota_(quota) {}

void BadSampleQuota::on_epoch_end(const train::TrainState& state, train::Requests&) {
  const std::set<int64_t> mine = replaced_();
  int64_t most = 0;  // of one rank: their lists have to have one length
  for (const at::Tensor& count :
       control_.all_gather(at::tensor({static_cast<int64_t>(mine.size())}))) {
    most = std::max(most, count.item<int64_t>());
  }
  if (most == 0) return;
  std::vector<int64_t> padded(mine.begin(), mine.end());
  padded.resize(static_cast<size_t>(most), -1);
  std::set<int64_t> all;
  for (const at::Tensor& list : control_.all_gather(at::tensor(padded))) {
    const auto* indices = list.const_data_ptr<int64_t>();
    all.insert(indices, indices + list.numel());
  }
  all.erase(-1);
  const std::string count = std::to_string(all.size());
  if (static_cast<int64_t>(all.size()) > quota_) {
    const Error error =
        data_error("training data",
                   "after epoch " + std::to_string(state.epoch) + " " + count +
                       " different samples were bad, where loader.max_bad_samples allows " +
                       std::to_string(quota_),
                   "`dtrain verify-data` lists all of them");
    if (control_.rank() == 0) throw error;
    throw dist::PeerFailed(0, error);
  }
  if (control_.rank() == 0) {
    util::log_warning("Replaced samples: " + count + " different ones so far (all ranks), of " +
                      std::to_string(quota_) + " allowed; the ranks' logs name them");
  }
}

}  // namespace dtrain::callbacks
