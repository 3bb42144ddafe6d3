#include "platform/host_probe.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace vedette::platform {
namespace {

// Excludes multicast groups and broadcasts: every host there would receive the probe.
bool is_one_host(std::uint32_t address) {
  return address >> 28 != 0xE && (address & 0xFF) != 0xFF;
}

}  // namespace

int HostProbe::send() {
  if (!fd_.valid()) {
    auto opened = open_udp_socket();
    if (!opened) {
      return opened.error();
    }
    if (const int error = aim_udp(opened.value().get(), to_); error != 0) {
      return error;
    }
    // Without IP_RECVERR the kernel hides an unanswered ARP and ICMP "unreachable".
    const int on = 1;
    ::setsockopt(opened.value().get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    fd_ = std::move(opened).value();
  }
  const int error = is_one_host(to_.address) ? send_now(fd_.get(), {}) : ECONNREFUSED;
  if (error != 0) {
    fd_ = Fd();  // the socket caches its route and its errors, so open a new one
  }
  return error;
}

int HostProbe::look(std::int64_t now_ns) {
  since_ns_ = since_ns_ < 0 ? now_ns : since_ns_;
  const int error = send();
  if (error == ECONNREFUSED) {
    answered_ = true;  // the port is closed, so the host answered
    error_ = 0;
    since_ns_ = now_ns;
  } else if (error != 0) {
    answered_ = true;
    error_ = error;
    since_ns_ = now_ns;
  } else if (now_ns - since_ns_ >= kAnswerNs) {
    answered_ = true;
    error_ = 0;
  }
  return answered_ ? error_ : EINPROGRESS;
}

}  // namespace vedette::platform
