// Choice of the network and the backend, and the first group of all ranks.
#include "dist/rendezvous.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "device/device.h"
#include "dist/host_meeting.h"
#include "dist/mpi_store.h"

namespace dtrain::dist {
namespace {

using detail::HostNetwork;

std::string network_stack(const MpiScope& mpi) {
  const std::string identity = host_identity();
  return identity.empty() ? mpi.host() : identity;
}

std::vector<HostNetwork> own_networks() {
  std::vector<HostNetwork> networks;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return networks;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    if (!(entry->ifa_flags & IFF_UP) || (entry->ifa_flags & IFF_LOOPBACK)) continue;
    const auto bits = [](const sockaddr* address) {
      return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
    };
    networks.push_back({entry->ifa_name, bits(entry->ifa_addr), bits(entry->ifa_netmask)});
  }
  return networks;
}

// Collective. Entry of each network stack, in order of first rank, and which of them is ours.
struct Hosts {
  std::vector<std::vector<HostNetwork>> networks;
  size_t mine = 0;
};

Hosts gather_hosts(const MpiScope& mpi) {
  std::ostringstream text;
  text << network_stack(mpi) << '\n';
  for (const HostNetwork& n : own_networks()) {
    text << n.interface << ' ' << n.address << ' ' << n.mask << '\n';
  }
  Hosts hosts;
  std::map<std::string, size_t> seen;
  const std::vector<std::string> all = mpi.all_gather(text.str());
  for (size_t rank = 0; rank < all.size(); ++rank) {
    std::istringstream in(all[rank]);
    std::string stack;
    std::getline(in, stack);
    const auto [entry, first] = seen.emplace(stack, hosts.networks.size());
    if (int(rank) == mpi.rank()) hosts.mine = entry->second;
    if (!first) continue;
    HostNetwork n;
    auto& networks = hosts.networks.emplace_back();
    while (in >> n.interface >> n.address >> n.mask) networks.push_back(n);
  }
  return hosts;
}

void expect_interface(const std::string& name) {
  if (if_nametoindex(name.c_str()) != 0) return;
  throw config_error("GLOO_SOCKET_IFNAME",
                     "there is no network interface " + name + " on this host",
                     "`ip address` lists them; it may be another one on each host");
}

// Note [Which network]
std::vector<std::string> choose_interfaces(const MpiScope& mpi) {
  const Hosts hosts = gather_hosts(mpi);
  if (hosts.networks.size() == 1) return {"lo"};
  if (const char* names = std::getenv("GLOO_SOCKET_IFNAME"); names != nullptr && *names != '\0') {
    std::vector<std::string> chosen;
    std::istringstream in(names);
    for (std::string name; std::getline(in, name, ',');) chosen.push_back(name);
    together(mpi, [&] { std::for_each(chosen.begin(), chosen.end(), expect_interface); });
    return chosen;
  }
  const std::vector<std::string> common = detail::common_interfaces(hosts.networks);
  if (common.empty()) return {};
  return {common[hosts.mine]};
}

std::string choose_backend(const DistConfig& config, c10::Device device) {
  if (config.backend == "nccl" && !device.is_cuda()) {
    throw config_error("dist.backend",
                       "nccl carries tensors on GPUs only, and the device is the CPU",
                       "use --device cuda, or dist.backend=auto");
  }
  if (device.is_cuda() && !device::supports_gpus()) {
    throw config_error(
        "device", "this build of dtrain has no GPU support", device::kGpuProgramAdvice);
  }
  if (config.backend != "auto") return config.backend;
  return device.is_cuda() ? "nccl" : "gloo";
}

c10::intrusive_ptr<c10d::Store> make_store(const MpiScope& mpi) {
  if (mpi.size() == 1) return c10::make_intrusive<c10d::HashStore>();
  try {
    return c10::make_intrusive<MpiStore>(mpi);
  } catch (const c10::DistError& e) {
    throw Error(ExitCode::kRetry,
                "connecting the ranks",
                e.what_without_backtrace(),
                "look at the rank that is not there, and at MPI's network settings");
  }
}

}  // namespace

namespace detail {

std::vector<std::string> common_interfaces(const std::vector<std::vector<HostNetwork>>& hosts) {
  if (hosts.empty()) return {};
  for (const HostNetwork& candidate : hosts.front()) {
    std::vector<std::string> names;
    std::vector<uint32_t> addresses;
    for (const auto& networks : hosts) {
      for (const HostNetwork& n : networks) {
        const bool same_subnet =
            n.mask == candidate.mask && (n.address & n.mask) == (candidate.address & n.mask);
        const bool taken =
            std::find(addresses.begin(), addresses.end(), n.address) != addresses.end();
        if (!same_subnet || taken) continue;
        names.push_back(n.interface);
        addresses.push_back(n.address);
        break;
      }
    }
    if (names.size() == hosts.size()) return names;
  }
  return {};
}

}  // namespace detail

ProcessGroup rendezvous(const MpiScope& mpi, const DistConfig& config, c10::Device device) {
  Transport transport;
  transport.backend = choose_backend(config, device);
  transport.gpu = device.is_cuda();
  transport.timeout = std::chrono::milliseconds(int64_t(config.timeout_s * 1000));
  transport.shared_memory = config.shared_memory == "auto";
  transport.ranks_on_host = mpi.host_size();
  transport.interfaces = choose_interfaces(mpi);
  const c10::intrusive_ptr<c10d::Store> store = make_store(mpi);
  store->setTimeout(transport.timeout);
  return ProcessGroup(store, mpi.rank(), mpi.size(), transport);
}

}  // namespace dtrain::dist
