// Purpose: Ethernet ports driven by DPDK in poll mode, without the kernel's stack. In: EAL device
// arguments ("net_af_packet0,iface=eth1") or a PCI address. Out: frames. Bound: kBurst frames a
// poll, a mempool sized at start. When full: the port's counters say so. Runs on: start() on the
// starting thread; poll() on one hot thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace vedette::platform {

inline constexpr std::size_t kBurst = 32;  // one bit each in a word

struct PortCounters {
  std::uint64_t received;
  std::uint64_t
      missed;  // by the port, before we saw them; also what was too long for it, or damaged
  std::uint64_t errors;  // of those, the latter two
};

// Buffers of each port: full queues in both directions, one of them doubled for af_xdp.
inline constexpr std::size_t kPortBuffers = 3072;

// Locked memory of so many ports: 12 MiB a port without huge pages, where each buffer has its own
// page. The rest is for drivers.
constexpr std::size_t packet_memory_bytes(std::size_t ports) {
  return ports == 0 ? 0 : (4 + 14 * ports) << 20;
}

// A physical device, "0000:00:03.0", not a virtual one, "net_tap0,iface=v0".
bool is_pci_address(const std::string& device);

// Starts the EAL and makes the buffers, once per process; later calls return the first result. The
// calling thread keeps its core. Uses huge pages if wanted and available. Empty on success, else
// the error.
std::string start_packet_engine(const std::vector<std::string>& devices, bool want_huge);

class PacketPorts {
 public:
  // Starts the packet engine if needed, and every named port; empty on success.
  std::string start(const std::vector<std::string>& devices, bool want_huge);
  void stop();

  // Frames stay valid until release_burst(). `port` is the device's index in start().
  std::size_t poll(std::size_t port, std::span<Bytes> frames);
  void release_burst(std::size_t port);
  // Bit i: frame i of the last poll() is longer than one buffer, and only its head was returned.
  std::uint32_t spread(std::size_t port) const { return ports_[port].spread; }
  bool send(std::size_t port, Bytes frame);
  bool link_up(std::size_t port) const;
  PortCounters counters(std::size_t port) const;

 private:
  struct Port {
    std::uint16_t id = 0;
    std::uint16_t held = 0;
    std::uint32_t spread = 0;
    void* burst[kBurst] = {};
  };
  std::vector<Port> ports_;
  void* pool_ = nullptr;
};

}  // namespace vedette::platform
