// Settings of everything that exists because there is more than one process.
#pragma once

#include <cstdint>
#include <string>

#include "config/fields.h"

namespace dtrain::dist {

struct DistConfig {
  std::string backend = "auto";  // what "auto" means is decided in rendezvous()
  std::string shared_memory = "auto";
  double timeout_s = 600;
  double bucket_mb = 25;
  double first_bucket_mb = 1;
  std::string compression = "none";
  bool static_graph = false;
  bool sync_bn = true;
  int64_t digest_interval = 100;
  int64_t deterministic_world = 0;
};

template <class V>
void fields(V& v, DistConfig& c) {
  using namespace config;
  v("backend",
    c.backend,
    one_of({"auto", "gloo", "nccl"}),
    kRounding,
    "Library that carries tensors between ranks; auto: nccl on cuda, gloo on cpu.");
  v("shared_memory",
    c.shared_memory,
    one_of({"auto", "off"}),
    "Small messages between ranks of one host go through memory; off: through gloo.");
  v("timeout_s",
    c.timeout_s,
    between(1, 86400),
    kFree,
    "Seconds after which a collective operation that a rank does not join is an error.");
  v("bucket_mb",
    c.bucket_mb,
    between(0.001, 4096),
    kRounding,
    "Gradients are reduced in buckets of about this many MiB while the backward pass goes on.");
  v("first_bucket_mb",
    c.first_bucket_mb,
    between(0.001, 4096),
    kRounding,
    "Size of the first bucket in MiB; small, so that communication starts early.");
  v("compression",
    c.compression,
    one_of({"none", "bfloat16", "float16"}),
    "Round gradients to 16 bits while they travel between ranks; half the bytes, less precision.");
  v("static_graph",
    c.static_graph,
    kRounding,
    "The same parameters take part in every step: checked in the first one, relied on after it.");
  v("sync_bn",
    c.sync_bn,
    "Batch norm takes its statistics over the batches of all ranks, not of each rank alone.");
  v("digest_interval",
    c.digest_interval,
    at_least(0),
    kFree,
    "Compare a digest of weights and optimizer over the ranks every so many steps, besides before "
    "each save; 0: only then.");
  v("deterministic_world",
    c.deterministic_world,
    between(0, 1024),
    "Train as this many ranks would, bit for bit, on any smaller number of ranks: the global batch "
    "is loader.batch_size times this, cut into as many shards whose results are added in one "
    "order; 0: off.");
}

}  // namespace dtrain::dist
