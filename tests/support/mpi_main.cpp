// main() of the tests that run under mpirun: all cases on every rank, one report.
//
// Rank 0 prints as usual; the others print their failures only. A failure on any rank fails the
// run.
#include "tests/support/mpi_main.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "dist/rendezvous.h"

namespace dtrain::testing {
namespace {

std::optional<dist::MpiScope> mpi_scope;
std::optional<dist::ProcessGroup> world_group;

class FailuresOnly : public ::testing::EmptyTestEventListener {
 public:
  explicit FailuresOnly(int rank) : rank_(rank) {}

 private:
  void OnTestStart(const ::testing::TestInfo& test) override {
    // Asking for it when a result comes would wait for a lock that GoogleTest holds meanwhile.
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::ostringstream text;
    text << "rank " << rank_ << ": " << test_ << ' '
         << (result.file_name() != nullptr ? result.file_name() : "") << ':' << result.line_number()
         << ": " << result.message() << '\n';
    std::cerr << text.str();
  }

  std::string test_;
  int rank_;
};

int run() {
  if (mpi().rank() != 0) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly(mpi().rank()));
  }
  const int mine = RUN_ALL_TESTS();
  const auto all = mpi().all_gather(int64_t(mine));
  return int(*std::max_element(all.begin(), all.end()));
}

}  // namespace

const dist::MpiScope& mpi() { return *mpi_scope; }
const dist::ProcessGroup& world() { return *world_group; }

}  // namespace dtrain::testing

int main(int argc, char** argv) {
  namespace support = dtrain::testing;
  ::testing::InitGoogleTest(&argc, argv);
  support::mpi_scope.emplace(&argc, &argv);
  int result = 1;
  try {
    dtrain::dist::DistConfig config;
    config.timeout_s = 60;
    support::world_group = dtrain::dist::rendezvous(support::mpi(), config, c10::kCPU);
    result = support::run();
  } catch (const std::exception& e) {
    std::cerr << "rank " << support::mpi().rank() << ": " << e.what() << '\n';
    dtrain::dist::MpiScope::abort(1);
  }
  support::world_group.reset();
  support::mpi_scope.reset();
  return result;
}
