// Settings of everything that exists because there is more than one process.
#pragma once

#include <cstdint>
#include <string>

#include "config/fields.h"

namespace dtrain::dist {

struct DistConfig {
  std::string backend = "auto";  // what "auto" means is decided in rendezvous()
  double timeout_s = 600;
  double bucket_mb = 25;
  double first_bucket_mb = 1;
  bool sync_bn = true;
  int64_t digest_interval = 1;
};

template <class V>
void fields(V& v, DistConfig& c) {
  using namespace config;
  v("backend",
    c.backend,
    one_of({"auto", "gloo", "nccl"}),
    "Library that carries tensors between ranks; auto: nccl on cuda, gloo on cpu.");
  v("timeout_s",
    c.timeout_s,
    between(1, 86400),
    "Seconds after which a collective operation that a rank does not join is an error.");
  v("bucket_mb",
    c.bucket_mb,
    between(0.001, 4096),
    "Gradients are reduced in buckets of about this many MiB while the backward pass goes on.");
  v("first_bucket_mb",
    c.first_bucket_mb,
    between(0.001, 4096),
    "Size of the first bucket in MiB; small, so that communication starts early.");
  v("sync_bn",
    c.sync_bn,
    "Batch norm takes its statistics over the batches of all ranks, not of each rank alone.");
  v("digest_interval",
    c.digest_interval,
    at_least(0),
    "Compare a digest of parameters and buffers over the ranks every so many epochs; 0: only at "
    "the start.");
}

}  // namespace dtrain::dist
