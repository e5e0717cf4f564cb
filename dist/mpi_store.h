// The store through which c10d connects its processes, carried by MPI (Note [MPI is the store]).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "dist/mpi_scope.h"

namespace dtrain::dist {

// A value that is set is sent to every other rank; get() and wait() return when it has arrived, or
// throw c10::DistStoreError after the timeout. A key is set once and by one rank. No call but the
// constructor is collective, all may come from any thread, and set() and check() never block.
// Needs a launched MpiScope, and must be gone before it.
//
// Note [The courier]
// Messages move only while someone is inside MPI, and a rank that has set its value may be busy
// elsewhere, in a connect() that waits for the very peer that waits for the value. So a thread of
// the store's own makes all its MPI calls: often while something is under way, rarely otherwise.
class MpiStore final : public c10d::Store {
 public:
  explicit MpiStore(const MpiScope& mpi);  // collective
  ~MpiStore() override;

  using Store::set;
  void set(const std::string& key, const std::vector<uint8_t>& value) override;
  std::vector<uint8_t> get(const std::string& key) override;
  bool check(const std::vector<std::string>& keys) override;
  void wait(const std::vector<std::string>& keys) override;
  void wait(const std::vector<std::string>& keys,
            const std::chrono::milliseconds& timeout) override;
  int64_t getNumKeys() override;
  bool deleteKey(const std::string& key) override;    // on this rank only
  c10::intrusive_ptr<Store> clone() override;         // the same store
  int64_t add(const std::string&, int64_t) override;  // not supported: throws

 private:
  class Courier;
  explicit MpiStore(std::shared_ptr<Courier> courier);
  std::shared_ptr<Courier> courier_;
};

}  // namespace dtrain::dist
