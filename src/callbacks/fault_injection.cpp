#include "callbacks/fault_injection.h"

#include <ATen/ATen.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "util/check.h"
#include "util/log.h"

namespace dtrain::callbacks {
namespace {

// 0 for what is no signal.
int signal_of(const std::string& kind) {
  if (kind == "sigterm") return SIGTERM;
  if (kind == "sigint") return SIGINT;
  return kind == "sigusr1" ? SIGUSR1 : 0;
}

class Fault : public train::Callback {
 public:
  Fault(nn::Classifier& model, std::string kind, int64_t step)
      : model_(model), kind_(std::move(kind)), step_(step) {}

  void on_step_end(const train::TrainState& state, train::Requests&) override {
    if (state.step != step_ || done_) return;
    done_ = true;
    util::log_warning("DTRAIN_TEST_FAULT: " + kind_ + " at step " + std::to_string(step_));
    if (const int signal = signal_of(kind_); signal != 0) {
      std::raise(signal);
      return;
    }
    const at::NoGradGuard no_grad;
    at::Tensor weight = model_.parameters().at(0).detach().view(-1).narrow(0, 0, 1);
    if (kind_ == "nan_weight") {
      weight.fill_(std::numeric_limits<double>::quiet_NaN());
    } else {
      at::Tensor bits = weight.view(weight.scalar_type() == at::kDouble ? at::kLong : at::kInt);
      bits.bitwise_xor_(1);
    }
  }

 private:
  nn::Classifier& model_;
  std::string kind_;
  int64_t step_;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<train::Callback> injected_fault(nn::Classifier& model, int64_t rank) {
  const char* text = std::getenv("DTRAIN_TEST_FAULT");
  if (text == nullptr) return nullptr;
  char kind[17] = "";
  long long on = 0, step = 0;
  int read = 0;  // characters; anything after the step makes the text invalid
  const bool parsed = std::sscanf(text, "%16[a-z_0-9]:%lld:%lld%n", kind, &on, &step, &read) == 3 &&
                      text[read] == '\0';
  const std::string name = kind;
  if (!parsed || (name != "flip_bit" && name != "nan_weight" && signal_of(name) == 0)) {
    throw usage_error("DTRAIN_TEST_FAULT",
                      std::string("is ") + text,
                      "use flip_bit:RANK:STEP or nan_weight:RANK:STEP, or as kind sigterm, sigint, "
                      "sigusr1");
  }
  return on == rank ? std::make_unique<Fault>(model, name, step) : nullptr;
}

}  // namespace dtrain::callbacks
