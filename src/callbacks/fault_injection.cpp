#include "callbacks/fault_injection.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <cstdlib>

#include "util/check.h"
#include "util/log.h"

namespace dtrain::callbacks {
namespace {

class BitFlip : public train::Callback {
 public:
  BitFlip(nn::Classifier& model, int64_t step) : model_(model), step_(step) {}
  void on_step_end(train::TrainState& state) override {
    if (state.step != step_) return;
    const at::NoGradGuard no_grad;
    const at::Tensor weight = model_.parameters().at(0).detach().view(-1).narrow(0, 0, 1);
    at::Tensor bits = weight.view(weight.scalar_type() == at::kDouble ? at::kLong : at::kInt);
    bits.bitwise_xor_(1);
    util::log_warning("DTRAIN_TEST_FAULT: one bit flipped at step " + std::to_string(step_));
  }

 private:
  nn::Classifier& model_;
  int64_t step_;
};

}  // namespace

std::unique_ptr<train::Callback> injected_fault(nn::Classifier& model, int64_t rank) {
  const char* text = std::getenv("DTRAIN_TEST_FAULT");
  if (text == nullptr) return nullptr;
  long long on = 0, step = 0;
  if (std::sscanf(text, "flip_bit:%lld:%lld", &on, &step) != 2) {
    throw usage_error("DTRAIN_TEST_FAULT", std::string("is ") + text, "use flip_bit:RANK:STEP");
  }
  return on == rank ? std::make_unique<BitFlip>(model, step) : nullptr;
}

}  // namespace dtrain::callbacks
