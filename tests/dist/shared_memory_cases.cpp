// Groups whose small messages go through memory, beside groups that have only Gloo.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "dist/host_reducer.h"
#include "tests/dist/cases.h"

namespace dtrain::testing {
namespace {

// Of each rank, and hard to add: the order shows in the last bits.
at::Tensor odd_values(int64_t rank, int64_t count, at::ScalarType type) {
  const at::Tensor numbers = at::arange(count, at::kDouble).add(double(rank + 1)).mul(1.37).sin();
  return numbers.mul(at::arange(count, at::kDouble).remainder(9).sub(4).exp()).to(type);
}

}  // namespace

void sums_in_memory_are_in_rank_order(const dist::ProcessGroup& group) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    for (const int64_t count : {1, 17, 258, 4096}) {
      at::Tensor expected = odd_values(0, count, type), sum = odd_values(group.rank(), count, type);
      for (int64_t rank = 1; rank < group.size(); ++rank) {
        expected.add_(odd_values(rank, count, type));
      }
      group.all_reduce_sum(sum);
      if (group.shares_memory()) {
        EXPECT_TRUE(at::equal(sum, expected)) << type << " " << count;
      }
    }
  }
}

void large_sums_in_memory_are_in_rank_order(const dist::ProcessGroup& group) {
  const std::shared_ptr<dist::HostReducer> reducer = group.make_host_reducer();
  EXPECT_EQ(reducer != nullptr, group.shares_memory() && group.size() > 1);
  if (!reducer) return;
  EXPECT_FALSE(reducer->reduces(at::ones({8}, at::kBFloat16)));  // whose sums are Gloo's
  // All of them are under way before the first is waited for; some take several rounds.
  std::vector<at::Tensor> sums, expected;
  std::vector<c10::intrusive_ptr<c10::ivalue::Future>> done;
  for (const auto type : {at::kFloat, at::kDouble}) {
    for (const int64_t count : {1, 65'537, 700'001}) {
      expected.push_back(odd_values(0, count, type));
      for (int64_t rank = 1; rank < group.size(); ++rank) {
        expected.back().add_(odd_values(rank, count, type));
      }
      sums.push_back(odd_values(group.rank(), count, type));
      ASSERT_TRUE(reducer->reduces(sums.back()));
      done.push_back(reducer->all_reduce_sum(sums.back()));
    }
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    done[i]->waitAndThrow();
    EXPECT_TRUE(at::equal(sums[i], expected[i])) << i;
    EXPECT_TRUE(done[i]->value().toTensor().is_same(sums[i]));
  }
}

void memory_and_gloo_give_the_same(const dist::ProcessGroup& group,
                                   const dist::ProcessGroup& gloo) {
  EXPECT_FALSE(gloo.shares_memory());
  // Around what fits into a slot, too.
  for (const int64_t count : {1, 5, 16383, 16384, 16385, 50'000}) {
    at::Tensor one = odd_values(group.rank(), count, at::kFloat), two = one.clone();
    const auto gathered = group.all_gather(one), gathered_by_gloo = gloo.all_gather(one);
    for (size_t rank = 0; rank < gathered.size(); ++rank) {
      EXPECT_TRUE(at::equal(gathered[rank], gathered_by_gloo[rank]));
    }
    at::Tensor into = at::empty({group.size() * count});
    group.all_gather_into(into, one);
    EXPECT_TRUE(at::equal(into, at::cat(gathered)));
    group.all_reduce_max(one);
    gloo.all_reduce_max(two);
    EXPECT_TRUE(at::equal(one, two));
    if (group.size() > 2) continue;  // a ring of three adds in another order
    one = odd_values(group.rank(), count, at::kFloat);
    two = one.clone();
    group.all_reduce_sum(one);
    gloo.all_reduce_sum(two);
    EXPECT_TRUE(at::equal(one, two)) << count;
  }
}

}  // namespace dtrain::testing
