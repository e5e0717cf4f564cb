// Keeps an update whose loss or gradients are not finite from the weights of every rank.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "data/batch.h"
#include "dist/process_group.h"
#include "nn/classifier.h"
#include "train/nonfinite_config.h"
#include "train/step_findings.h"
#include "train/train_state.h"

namespace dtrain::train {

// What is known about an update that failed, on one rank.
struct FailedUpdate {
  int64_t rank = 0, step = 0, epoch = 0;
  double lr = 0, loss_sum = 0, loss_scale = 1;
  std::vector<int64_t> samples;  // of all micro-batches
  at::Tensor images;  // (B, C, H, W), normalised: of the first with a bad loss, or of the last
};

// Asked before every optimizer step. The ranks decide together, so that they go on alike.
//
// After a rollback the same update fails the same way, so it is left out when its turn comes again.
// A resumed process does not remember that; there it fails, and is rolled back, once more.
//
// Batch norm moves its running statistics in the forward pass already: they are remembered when an
// update begins, and put back when it is not made.
class UpdateGuard {
 public:
  enum class Verdict { kApply, kSkip, kRollback };

  using WriteReport = std::function<void(const FailedUpdate&)>;

  UpdateGuard(const NonFiniteConfig& config,
              nn::Classifier& model,
              const dist::ProcessGroup& control,
              WriteReport write_report);

  void start_update();
  // After the forward pass of each micro-batch; `loss_sum` is not scaled.
  void saw(const data::Batch& batch, const at::Tensor& loss_sum);

  bool losses_are_finite() const;  // on this rank, in this update; waits for the device

  // With a loss scale that may be too large (`scaled`), gradients that are not finite while all
  // losses are just mean kSkip: the scaler's own business. So does an update that was rolled back
  // before. Otherwise each rank with a bad loss (or, if there is none, the first) writes a report,
  // and the policy decides. Throws Error(kData) for stop, and after max_skips in a row.
  Verdict judge(const StepFindings& findings,
                bool scaled,
                double loss_scale,
                const TrainState& state);

  // Ends the run because of the last update that failed: Error(kData) on the rank that is named,
  // PeerFailed on the others.
  [[noreturn]] void give_up(const std::string& advice) const;

 private:
  void restore_buffers();
  void report(const TrainState& state, double loss_scale, int64_t first_rank) const;

  NonFiniteConfig config_;
  const dist::ProcessGroup& control_;
  WriteReport write_report_;
  std::vector<at::Tensor> buffers_, remembered_;
  at::Tensor loss_sum_;            // of this update so far
  std::vector<at::Tensor> ids_;    // of its samples
  at::Tensor images_;              // of the micro-batch to show should it fail
  std::set<int64_t> rolled_back_;  // steps whose updates failed, under `rollback`
  int64_t failures_in_a_row_ = 0, last_failed_step_ = -1;
  struct {
    int64_t rank = 0;
    std::string what, cause;
  } failure_;  // the last one
};

}  // namespace dtrain::train
