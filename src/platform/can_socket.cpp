// SocketCAN: raw frames of one interface (linux/can.h, linux/can/raw.h).
#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "platform/socket.hpp"

namespace vedette::platform {

Result<Fd, int> open_can(const std::string& interface) {
  Fd fd(::socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW));
  if (!fd.valid()) {
    return Failure{errno};
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
  const can_err_mask_t errors = CAN_ERR_MASK;
  ::setsockopt(fd.get(), SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &errors, sizeof errors);
  const int bytes = 1 << 20;  // seconds of a full bus, for a thread that is late
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  sockaddr_can address{};
  address.can_family = AF_CAN;
  address.can_ifindex = request.ifr_ifindex;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Failure{errno};
  }
  return fd;
}

}  // namespace vedette::platform
