#include "platform/packet_port.hpp"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <rte_bus.h>
#include <rte_config.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "platform/machine.hpp"

namespace vedette::platform {
namespace {

constexpr std::uint16_t kDescriptors = 1024;
constexpr const char* kPool = "ingress";

// Writes a library's message as a line of the node's log.
void say(std::string_view library, std::string_view message) {
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) {
    message.remove_suffix(1);
  }
  char buffer[1024];
  FixedText line{std::span<char>(buffer)};
  JsonWriter<FixedText> json(line);
  json.begin_object().member("kind", "library").member("library", library);
  json.member("message", message.substr(0, 700)).end_object();
  line.append("\n");
  const auto written = ::write(STDERR_FILENO, line.view().data(), line.view().size());
  static_cast<void>(written);
}

ssize_t say_dpdk(void*, const char* text, std::size_t bytes) {
  say("dpdk", {text, bytes});
  return static_cast<ssize_t>(bytes);
}

int say_formatted(std::string_view library, const char* format, va_list arguments) {
  char text[512];
  const int n = std::vsnprintf(text, sizeof text, format, arguments);
  say(library, {text, std::min(static_cast<std::size_t>(std::max(n, 0)), sizeof text - 1)});
  return 0;
}
int say_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
  return level == LIBBPF_WARN ? say_formatted("libbpf", format, arguments) : 0;
}
int say_libxdp(libxdp_print_level level, const char* format, va_list arguments) {
  return level == LIBXDP_WARN ? say_formatted("libxdp", format, arguments) : 0;
}

void take_over_library_logs() {
  static char line[1024];
  FILE* out = ::fopencookie(nullptr, "w", {nullptr, say_dpdk, nullptr, nullptr});
  if (out != nullptr) {
    std::setvbuf(out, line, _IOLBF, sizeof line);
    ::rte_openlog_stream(out);
  }
  ::libbpf_set_print(say_libbpf);
  ::libxdp_set_print(say_libxdp);
}

std::string start_eal(const std::vector<std::string>& devices, bool want_huge) {
  const std::size_t memory = packet_memory_bytes(devices.size());
  std::vector<std::string> words{"vedette",
                                 "--no-telemetry",
                                 "--log-level=4",
                                 "-l",
                                 std::to_string(::sched_getcpu()),
                                 "-m",
                                 std::to_string(memory >> 20)};
  if (want_huge && free_huge_bytes() >= memory) {
    words.insert(words.end(), {"--in-memory", "--iova-mode=va"});
  } else {
    words.insert(words.end(), {"--no-huge", "--no-shconf"});
  }
  bool any_pci = false;
  for (const std::string& device : devices) {
    if (is_pci_address(device)) {
      any_pci = true;
      words.insert(words.end(), {"-a", device});
    } else {
      words.push_back("--vdev=" + device);
    }
  }
  if (!any_pci) {
    words.push_back("--no-pci");  // probing would take the machine's own network card
  }
  take_over_library_logs();
  ::setenv("RUNTIME_DIRECTORY", "/tmp", 0);  // keeps the EAL from writing below /var/run
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  // The EAL pins the thread that starts it; undo that, because the node places threads.
  cpu_set_t before;
  CPU_ZERO(&before);
  ::sched_getaffinity(0, sizeof before, &before);
  const int result = ::rte_eal_init(static_cast<int>(arguments.size()), arguments.data());
  ::sched_setaffinity(0, sizeof before, &before);
  return result < 0 ? std::string("EAL: ") + ::rte_strerror(rte_errno) : std::string();
}

std::string name_of_device(const std::string& device) {
  return is_pci_address(device) ? device : device.substr(0, device.find(','));
}

std::string start_port(std::uint16_t id, rte_mempool* pool) {
  rte_eth_conf conf{};
  int error = ::rte_eth_dev_configure(id, 1, 1, &conf);
  std::uint16_t rx = kDescriptors;
  std::uint16_t tx = kDescriptors;
  if (error == 0) {
    error = ::rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx, &tx);
  }
  const int socket = ::rte_eth_dev_socket_id(id);
  if (error == 0) {
    error = ::rte_eth_rx_queue_setup(id, 0, rx, static_cast<unsigned>(socket), nullptr, pool);
  }
  if (error == 0) {
    error = ::rte_eth_tx_queue_setup(id, 0, tx, static_cast<unsigned>(socket), nullptr);
  }
  if (error == 0) {
    error = ::rte_eth_dev_start(id);
  }
  if (error != 0) {
    return ::rte_strerror(-error);
  }
  ::rte_eth_promiscuous_enable(id);  // a driver without it delivers only our own address
  return {};
}

}  // namespace

bool is_pci_address(const std::string& device) {
  return device.find(':') != std::string::npos && device.find('=') == std::string::npos;
}

std::string start_packet_engine(const std::vector<std::string>& devices, bool want_huge) {
  // The EAL cannot start twice in a process, not even after a clean-up.
  static const std::string problem = [&] {
    std::string failed = start_eal(devices, want_huge);
    if (failed.empty() &&
        ::rte_pktmbuf_pool_create(kPool, static_cast<unsigned>(kPortBuffers * devices.size()), 0, 0,
                                  RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY) == nullptr) {
      failed = std::string("packet buffers: ") + ::rte_strerror(rte_errno);
    }
    return failed;
  }();
  return problem;
}

std::string PacketPorts::start(const std::vector<std::string>& devices, bool want_huge) {
  if (devices.empty()) {
    return {};
  }
  std::string problem = start_packet_engine(devices, want_huge);
  if (!problem.empty()) {
    return problem;
  }
  rte_mempool* pool = ::rte_mempool_lookup(kPool);
  CHECK(pool != nullptr, "the packet engine started with its buffers");
  pool_ = pool;
  for (const std::string& device : devices) {
    Port port;
    const std::string name = name_of_device(device);
    if (::rte_eth_dev_get_port_by_name(name.c_str(), &port.id) != 0) {
      return name + ": no DPDK driver supports this device, or it does not exist";
    }
    problem = start_port(port.id, pool);
    if (!problem.empty()) {
      return name + ": " + problem;
    }
    ports_.push_back(port);
  }
  return {};
}

void PacketPorts::stop() {
  for (const Port& port : ports_) {
    ::rte_eth_dev_stop(port.id);
    ::rte_eth_dev_close(port.id);
  }
  ports_.clear();
}

std::size_t PacketPorts::poll(std::size_t index, std::span<Bytes> frames) {
  Port& port = ports_[index];
  CHECK(port.held == 0, "a burst was not released");
  const auto wanted = static_cast<std::uint16_t>(std::min(frames.size(), kBurst));
  auto** mbufs = reinterpret_cast<rte_mbuf**>(port.burst);
  port.held = ::rte_eth_rx_burst(port.id, 0, mbufs, wanted);
  port.spread = 0;
  for (std::uint16_t i = 0; i < port.held; ++i) {
    // A frame in several buffers exceeds our limit; only its head is passed on.
    port.spread |= (mbufs[i]->nb_segs > 1 ? 1U : 0U) << i;
    frames[i] = Bytes(rte_pktmbuf_mtod(mbufs[i], const std::uint8_t*), mbufs[i]->data_len);
  }
  return port.held;
}

void PacketPorts::release_burst(std::size_t index) {
  Port& port = ports_[index];
  for (std::uint16_t i = 0; i < port.held; ++i) {
    ::rte_pktmbuf_free(static_cast<rte_mbuf*>(port.burst[i]));
  }
  port.held = 0;
}

bool PacketPorts::send(std::size_t index, Bytes frame) {
  rte_mbuf* mbuf = ::rte_pktmbuf_alloc(static_cast<rte_mempool*>(pool_));
  if (mbuf == nullptr) {
    return false;
  }
  char* at = ::rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size()));
  if (at == nullptr) {
    ::rte_pktmbuf_free(mbuf);
    return false;
  }
  std::memcpy(at, frame.data(), frame.size());
  if (::rte_eth_tx_burst(ports_[index].id, 0, &mbuf, 1) == 1) {
    return true;
  }
  ::rte_pktmbuf_free(mbuf);
  return false;
}

bool PacketPorts::link_up(std::size_t index) const {
  rte_eth_link link{};
  return ::rte_eth_link_get_nowait(ports_[index].id, &link) == 0 && link.link_status != 0;
}

PortCounters PacketPorts::counters(std::size_t index) const {
  rte_eth_stats stats{};
  if (::rte_eth_stats_get(ports_[index].id, &stats) != 0) {
    return {};
  }
  return {stats.ipackets, stats.imissed + stats.rx_nombuf + stats.ierrors, stats.ierrors};
}

}  // namespace vedette::platform
