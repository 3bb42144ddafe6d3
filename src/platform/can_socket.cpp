// SocketCAN: raw frames of one interface (linux/can.h, linux/can/raw.h), and the interface itself
// by rtnetlink (linux/if_link.h, linux/can/netlink.h).
#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/netlink.h>
#include <linux/can/raw.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/trouble.hpp"
#include "platform/socket.hpp"

namespace vedette::platform {
namespace {

// What is normal on a busy bus says nothing about it.
constexpr can_err_mask_t kErrors = CAN_ERR_MASK & ~can_err_mask_t{CAN_ERR_LOSTARB};
// A second of a full bus, for a thread that is late: the kernel counts 768 bytes for a frame, and
// grants twice what is asked for.
constexpr int kBufferBytes = 1 << 20;
constexpr std::uint32_t kRestartMs = 100;

// One request for an interface, its attributes appended one after the other.
class LinkRequest {
 public:
  LinkRequest(std::uint16_t flags, unsigned index) {
    head().nlmsg_type = RTM_NEWLINK;
    head().nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    head().nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
    ifinfomsg link{};
    link.ifi_index = static_cast<int>(index);
    link.ifi_flags = link.ifi_change = IFF_UP;
    std::memcpy(bytes_.data() + NLMSG_HDRLEN, &link, sizeof link);
  }
  void put(std::uint16_t type, const void* value, std::size_t bytes) {
    const std::size_t at = begin(type);
    std::memcpy(bytes_.data() + head().nlmsg_len, value, bytes);
    head().nlmsg_len += static_cast<std::uint32_t>(bytes);
    end(at);
  }
  void put(std::uint16_t type, std::string_view text) { put(type, text.data(), text.size()); }
  // An attribute that holds those put before its end.
  std::size_t begin(std::uint16_t type) {
    const std::size_t at = head().nlmsg_len;
    const rtattr attribute{0, type};
    std::memcpy(bytes_.data() + at, &attribute, sizeof attribute);
    head().nlmsg_len += RTA_LENGTH(0);
    return at;
  }
  void end(std::size_t at) {
    const auto bytes = static_cast<std::uint16_t>(head().nlmsg_len - at);
    std::memcpy(bytes_.data() + at, &bytes, sizeof bytes);
    head().nlmsg_len = NLMSG_ALIGN(head().nlmsg_len);
  }
  // 0, or the errno that the kernel answers.
  int send() {
    const Fd kernel(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!kernel.valid() || ::send(kernel.get(), bytes_.data(), head().nlmsg_len, 0) < 0) {
      return errno;
    }
    std::array<std::uint8_t, 1024> answer;
    const ssize_t got = ::recv(kernel.get(), answer.data(), answer.size(), 0);
    if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) {
      return got < 0 ? errno : EPROTO;
    }
    nlmsgerr said;
    std::memcpy(&said, answer.data() + NLMSG_HDRLEN, sizeof said);
    return -said.error;
  }

 private:
  nlmsghdr& head() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }

  alignas(nlmsghdr) std::array<std::uint8_t, 256> bytes_{};
};

}  // namespace

int bring_up_can(const std::string& interface, std::uint32_t bitrate) {
  const bool made_here = interface.starts_with("vcan");
  const unsigned index = ::if_nametoindex(interface.c_str());
  if (interface.size() >= IFNAMSIZ || (index == 0 && !made_here)) {
    return ENODEV;
  }
  LinkRequest request(index == 0 ? NLM_F_CREATE | NLM_F_EXCL : 0, index);
  if (index == 0) {
    request.put(IFLA_IFNAME, interface);
    const std::size_t kind = request.begin(IFLA_LINKINFO);
    request.put(IFLA_INFO_KIND, "vcan");
    request.end(kind);
  } else if (!made_here) {
    const std::size_t kind = request.begin(IFLA_LINKINFO);
    request.put(IFLA_INFO_KIND, "can");
    const std::size_t data = request.begin(IFLA_INFO_DATA);
    can_bittiming timing{};
    timing.bitrate = bitrate;
    request.put(IFLA_CAN_BITTIMING, &timing, sizeof timing);
    request.put(IFLA_CAN_RESTART_MS, &kRestartMs, sizeof kRestartMs);
    request.end(data);
    request.end(kind);
  }
  return request.send();
}

Result<Fd, int> open_can(const std::string& interface) {
  Fd fd(::socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW));
  if (!fd.valid()) {
    const bool none = errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT;
    return Failure{none ? static_cast<int>(Trouble::no_can) : errno};
  }
  ifreq request{};
  if (interface.size() >= sizeof request.ifr_name) {
    return Failure{ENODEV};
  }
  std::copy(interface.begin(), interface.end(), request.ifr_name);
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) {
    return Failure{errno};
  }
  if ((request.ifr_flags & IFF_UP) == 0) {
    return Failure{ENETDOWN};
  }
  if (::ioctl(fd.get(), SIOCGIFINDEX, &request) != 0) {
    return Failure{errno};
  }
  ::setsockopt(fd.get(), SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &kErrors, sizeof kErrors);
  // At most net.core.rmem_max, which an image raises.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
  sockaddr_can address{};
  address.can_family = AF_CAN;
  address.can_ifindex = request.ifr_ifindex;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Failure{errno};
  }
  return fd;
}

}  // namespace vedette::platform
