// The calls of dist/ into LibTorch whose form changes between its versions, in one place: a newer
// LibTorch is a change of libtorch.cpp. Written for 2.11.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <vector>

#include "dist/process_group.h"

namespace dtrain::dist::detail {

// The backends of one group, connected through the store; throws what LibTorch throws.
c10::intrusive_ptr<c10d::ProcessGroup> connect(const c10::intrusive_ptr<c10d::Store>& store,
                                               int64_t rank,
                                               int64_t size,
                                               const Transport& transport);

// A reducer whose buckets, filled with the parameters from the last to the first, never change.
std::unique_ptr<c10d::Reducer> make_reducer(const std::vector<at::Tensor>& parameters,
                                            const std::vector<std::string>& names,
                                            const c10::intrusive_ptr<c10d::ProcessGroup>& group,
                                            int64_t bucket_bytes,
                                            int64_t first_bucket_bytes);

}  // namespace dtrain::dist::detail
