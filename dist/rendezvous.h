// How the ranks that MPI started find each other and connect.
//
// Note [MPI is the store]
// c10d connects its processes through a key-value store. Here the store is MPI itself: a value that
// a rank sets is sent to all other ranks, and reading a value waits for it to arrive. So there is
// no server, no port to choose or to collide, no file to remove, and nothing that a stranger on the
// network or on the same host could read or write: who may take part is decided by the launcher.
// (A c10d TCPStore listens without authentication and lists its keys to anyone, prefix or not.)
//
// Note [Which network]
// Gloo's own connections are plain TCP. When all ranks share one network stack they go over the
// loopback interface and nothing is exposed. Otherwise the interfaces in GLOO_SOCKET_IFNAME are
// used; without it, the first subnet that every host is on with an address of its own (a docker0
// with the same address everywhere is not one); without that, what the host name resolves to.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "dist/dist_config.h"
#include "dist/mpi_scope.h"
#include "dist/process_group.h"

namespace dtrain::dist {

// Connects all ranks; collective. backend "auto" is nccl for a cuda device and gloo for the CPU.
// Tensors on the CPU can be sent in either case. Throws Error: kConfig for nccl without a GPU,
// kRetry if the ranks cannot reach each other in time.
ProcessGroup rendezvous(const MpiScope& mpi, const DistConfig& config, c10::Device device);

namespace detail {

// One IPv4 network that a host is on.
struct HostNetwork {
  std::string interface;  // "eth0"
  uint32_t address = 0;   // host byte order
  uint32_t mask = 0;
};

// The interface for each host, by the rule of Note [Which network]; empty if no subnet is common.
// `hosts` holds one entry per network stack, not per rank.
std::vector<std::string> common_interfaces(const std::vector<std::vector<HostNetwork>>& hosts);

}  // namespace detail

}  // namespace dtrain::dist
