// What must hold for a group of any size, for ranks that are threads and for ranks under mpirun.
#pragma once

#include "dist/process_group.h"

namespace dtrain::testing {

void collectives_give_every_rank_the_same_result(const dist::ProcessGroup& group);
void split_groups_work_on_their_own(const dist::ProcessGroup& group);

void sums_in_memory_are_in_rank_order(const dist::ProcessGroup& group);
// `gloo` has the same members and no shared memory.
void large_sums_in_memory_are_in_rank_order(const dist::ProcessGroup& group);
void memory_and_gloo_give_the_same(const dist::ProcessGroup& group, const dist::ProcessGroup& gloo);

void reducer_equals_one_process_on_the_whole_batch(const dist::ProcessGroup& group);
void buckets_start_while_backward_goes_on(const dist::ProcessGroup& group);
void no_sync_adds_up_micro_batches(const dist::ProcessGroup& group);
void resumed_reduction_is_bit_identical(const dist::ProcessGroup& group);
void ordered_reducer_adds_shards_in_their_order(const dist::ProcessGroup& group);

void buffers_that_differ_become_their_mean(const dist::ProcessGroup& group);
void flipped_bit_is_found(const dist::ProcessGroup& group);
void broadcast_makes_replicas_equal(const dist::ProcessGroup& group);

void sync_batch_norm_equals_one_process_on_the_whole_batch(const dist::ProcessGroup& group);
void sync_batch_norm_takes_uneven_and_empty_batches(const dist::ProcessGroup& group);
void sync_batch_norm_works_in_sub_groups(const dist::ProcessGroup& group);
void sync_batch_norm_keeps_statistics_of_sixteen_bit_input_in_float(
    const dist::ProcessGroup& group);
void sync_batch_norm_does_not_communicate_in_evaluation(const dist::ProcessGroup& group);
void sync_batch_norm_refuses_one_value_in_the_whole_group(const dist::ProcessGroup& group);

}  // namespace dtrain::testing
