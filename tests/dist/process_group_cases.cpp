#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/dist/cases.h"

namespace dtrain::testing {

void collectives_give_every_rank_the_same_result(const dist::ProcessGroup& group) {
  const int64_t n = group.size(), sum = n * (n + 1) / 2;
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16, at::kLong}) {
    at::Tensor values = at::full({3, 5}, group.rank() + 1, type);
    group.all_reduce_sum(values);
    EXPECT_TRUE(at::equal(values, at::full({3, 5}, sum, type))) << values;
    values.fill_(group.rank());
    group.all_reduce_max(values);
    EXPECT_TRUE(at::equal(values, at::full({3, 5}, n - 1, type))) << values;
  }
  at::Tensor transposed = at::full({4, 6}, group.rank() + 1).t();  // not contiguous
  group.all_reduce_sum(transposed);
  EXPECT_TRUE(at::equal(transposed, at::full({6, 4}, sum)));

  at::Tensor from_last = at::full({7}, group.rank());
  group.broadcast(from_last, n - 1);
  EXPECT_TRUE(at::equal(from_last, at::full({7}, n - 1)));

  const auto all = group.all_gather(at::full({2}, group.rank(), at::kInt));
  ASSERT_EQ(int64_t(all.size()), n);
  for (int64_t rank = 0; rank < n; ++rank) {
    EXPECT_TRUE(at::equal(all[size_t(rank)], at::full({2}, rank, at::kInt)));
  }

  at::Tensor empty = at::empty({0, 3});
  group.all_reduce_sum(empty);
  group.barrier();
}

void split_groups_work_on_their_own(const dist::ProcessGroup& group) {
  const dist::ProcessGroup parity = group.split(group.rank() % 2);
  EXPECT_EQ(parity.rank(), group.rank() / 2);
  EXPECT_EQ(parity.size(), (group.size() + 1 - group.rank() % 2) / 2);
  at::Tensor ranks = at::full({1}, group.rank(), at::kLong);
  parity.all_reduce_sum(ranks);
  int64_t expected = 0;
  for (int64_t r = group.rank() % 2; r < group.size(); r += 2) expected += r;
  EXPECT_EQ(ranks.item<int64_t>(), expected);

  const dist::ProcessGroup twin = group.control_group(), again = group.control_group();
  at::Tensor one = at::ones({1});
  again.all_reduce_sum(one);
  twin.all_reduce_sum(one);
  EXPECT_EQ(one.item<float>(), float(group.size() * group.size()));

  const dist::ProcessGroup part = parity.split(0);
  EXPECT_EQ(part.size(), parity.size());
}

}  // namespace dtrain::testing
