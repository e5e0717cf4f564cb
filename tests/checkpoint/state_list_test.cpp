// The list of states: what is saved comes back, on any number of ranks, also from older versions,
// and replicas are compared in all that they must have in common.
#include "checkpoint/state_list.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dist/parameter_sync.h"
#include "tests/support/mentions.h"
#include "tests/support/rank_threads.h"
#include "util/check.h"

namespace dtrain::checkpoint {
namespace {

using state::Kind;
using state::NamedTensors;
using testing::mentions;

// A part that only this test knows: a class, and a line where the list is made.
class Part : public state::Stateful {
 public:
  Part(std::string name, Kind kind, NamedTensors own, bool may_lack = false)
      : name_(std::move(name)), kind_(kind), own_(std::move(own)), may_lack_(may_lack) {}
  std::string name() const override { return name_; }
  Kind kind() const override { return kind_; }
  NamedTensors state() const override { return own_; }
  void load(const NamedTensors& values) override { dtrain::state::copy_by_name(values, own_); }
  bool may_lack_state() const override { return may_lack_; }

  double value(size_t i = 0) const { return own_.at(i).second.sum().item<double>(); }

 private:
  std::string name_;
  Kind kind_;
  NamedTensors own_;
  bool may_lack_;
};

at::Tensor pair_of(double value) { return at::full({2}, value, at::kDouble); }

// A model, its average, a counter and sums of each rank.
struct Training {
  Training(double value, int64_t rank)
      : model("model", Kind::kWeights, {{"w", pair_of(value)}, {"b", pair_of(value + 1)}}),
        average("swa", Kind::kWeights, {{"w", pair_of(value + 2)}, {"b", pair_of(value + 3)}}),
        counter("counter", Kind::kReplicated, {{"", at::full({}, value + 4)}}),
        sums("metrics", Kind::kPerRank, {{"loss", pair_of(value + double(10 * rank))}}) {
    for (Part* part : {&model, &average, &counter, &sums}) list.add(*part);
  }
  Part model, average, counter, sums;
  StateList list;
};

CheckpointData saved_by(int64_t ranks) {
  CheckpointData saved;
  std::mutex mutex;
  testing::on_rank_threads(ranks, [&](const dist::ProcessGroup& group) {
    Training training(1, group.rank());
    CheckpointData data;
    training.list.save(data, group);
    const std::lock_guard lock(mutex);
    if (group.rank() == 0) saved = std::move(data);
  });
  return saved;
}

TEST(StateList, NamesTensorsByTheirParts) {
  const CheckpointData data = saved_by(2);
  ASSERT_EQ(data.weights.size(), 2U);
  EXPECT_EQ(data.weights[0].name, "model");
  EXPECT_EQ(data.weights[1].name, "swa");
  EXPECT_EQ(data.weights[1].tensors[0].first, "w");
  ASSERT_EQ(data.state.size(), 2U);
  EXPECT_EQ(data.state[0].first, "counter");
  EXPECT_EQ(data.state[1].first, "metrics.loss");
  EXPECT_EQ(data.state[1].second.sizes(), at::IntArrayRef({2, 2}));  // (ranks, ...)
}

TEST(StateList, GivesBackWhatWasSavedOnAnyNumberOfRanks) {
  for (const int64_t before : {1, 2}) {
    const CheckpointData saved = saved_by(before);
    for (const int64_t now : {1, 2, 3}) {
      double total = 0;
      std::mutex mutex;
      testing::on_rank_threads(now, [&](const dist::ProcessGroup& group) {
        Training training(100, group.rank());
        CheckpointData data = group.rank() == 0 ? saved : CheckpointData{};  // one rank reads
        training.list.restore(data, "a checkpoint", group, group);
        EXPECT_EQ(training.model.value(0), 2 * 1);
        EXPECT_EQ(training.model.value(1), 2 * 2);
        EXPECT_EQ(training.average.value(0), 2 * 3);
        EXPECT_EQ(training.counter.value(), 5);
        if (now == before) {
          EXPECT_EQ(training.sums.value(), 2 * (1 + 10 * double(group.rank())));
        }
        const std::lock_guard lock(mutex);
        total += training.sums.value();
      });
      EXPECT_EQ(total, before == 1 ? 2 * 1 : 2 * (1 + 11)) << before << " ranks, then " << now;
    }
  }
}

TEST(StateList, ComparesAveragesAndCountersOfReplicasToo) {
  for (const std::string name : {"b", "swa.w", "counter"}) {
    const auto failures =
        testing::failures_on_rank_threads(2, [&](const dist::ProcessGroup& group) {
          Training training(1, group.rank());
          const NamedTensors all = training.list.replicated();
          for (const auto& [one, tensor] : all) {
            if (one == name && group.rank() == 1) at::Tensor(tensor).add_(1);
          }
          dist::check_replicas_equal(all, group);
        });
    ASSERT_TRUE(failures[0] && failures[1]) << name;
    try {
      std::rethrow_exception(failures[0]);
    } catch (const Error& error) {
      EXPECT_TRUE(mentions(error.what(), {"ranks 0 and 1", "values of " + name})) << error.what();
    }
  }
}

TEST(StateList, ReadsMetricsOfTheTimeBeforeTheyHadNames) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    Part metrics("metrics",
                 Kind::kPerRank,
                 {{"loss", pair_of(0)}, {"top1", pair_of(0)}, {"top5", pair_of(0)}});
    StateList list;
    list.add(metrics);
    CheckpointData data;
    data.state = {{"metric_sums", at::arange(12, at::kDouble).view({2, 3, 2})}};  // of two ranks
    list.restore(data, "a checkpoint", group, group);
    EXPECT_EQ(metrics.value(0), 0 + 1 + 6 + 7);
    EXPECT_EQ(metrics.value(2), 4 + 5 + 10 + 11);
  });
}

TEST(StateList, LeavesPartsAsTheyAreWhereTheyMayLackState) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    Part optimizer("optimizer", Kind::kReplicated, {{"a", pair_of(7)}, {"b", pair_of(8)}}, true);
    Part newcomer("newcomer", Kind::kReplicated, {{"", pair_of(9)}}, true);
    StateList list;
    list.add(optimizer);
    list.add(newcomer);
    CheckpointData data;
    data.state = {{"optimizer.b", pair_of(1)}, {"optimizer.frozen_now", pair_of(2)}};
    list.restore(data, "a checkpoint", group, group);
    EXPECT_EQ(optimizer.value(0), 14);
    EXPECT_EQ(optimizer.value(1), 2);
    EXPECT_EQ(newcomer.value(), 18);
  });
}

TEST(StateList, ListsAllDifferencesAndChangesNothing) {
  testing::on_rank_threads(1, [&](const dist::ProcessGroup& group) {
    Training training(1, 0);
    CheckpointData data = saved_by(1);
    data.weights[0].tensors[1].second = at::zeros({3}, at::kDouble);
    data.weights.pop_back();
    data.state[0].first = "other";
    try {
      training.list.restore(data, "step-7", group, group);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kConfig);
      EXPECT_TRUE(mentions(error.what(),
                           {"step-7",
                            "b is Double[3], expected Double[2]",
                            "no swa weights",
                            "no counter",
                            "unexpected other"}))
          << error.what();
    }
    EXPECT_EQ(training.model.value(0), 2);
  });
}

}  // namespace
}  // namespace dtrain::checkpoint
