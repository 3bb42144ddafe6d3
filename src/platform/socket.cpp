#include "platform/socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "base/trouble.hpp"

namespace vedette::platform {
namespace {

sockaddr_in address_of(Endpoint endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(endpoint.address);
  address.sin_port = htons(endpoint.port);
  return address;
}

struct Speed {
  std::uint32_t baud;
  speed_t code;
};
constexpr Speed kSpeeds[] = {
    {1200, B1200},     {2400, B2400},     {4800, B4800},     {9600, B9600},
    {19200, B19200},   {38400, B38400},   {57600, B57600},   {115200, B115200},
    {230400, B230400}, {460800, B460800}, {921600, B921600}, {3000000, B3000000},
};

Result<sockaddr_un, int> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Failure{ENAMETOOLONG};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon > 15) {  // longest numeric address; also when there is no colon
    return std::nullopt;
  }
  const std::string host(text.substr(0, colon));
  const auto port = parse_unsigned(text.substr(colon + 1));
  in_addr address{};
  if (!port || *port > 65535 || ::inet_pton(AF_INET, host.c_str(), &address) != 1) {
    return std::nullopt;
  }
  return Endpoint{ntohl(address.s_addr), static_cast<std::uint16_t>(*port)};
}

std::string to_text(Endpoint e) {
  return std::to_string(e.address >> 24) + "." + std::to_string(e.address >> 16 & 255) + "." +
         std::to_string(e.address >> 8 & 255) + "." + std::to_string(e.address & 255) + ":" +
         std::to_string(e.port);
}

Result<Fd, int> open_udp_receiver(Endpoint listen, bool shared, bool before_address) {
  Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Failure{errno};
  }
  const int on = 1;
  if (shared) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (before_address) {
    ::setsockopt(fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
  }
  // The kernel's buffer holds what arrives while the hot thread sleeps; beyond it the kernel counts
  // its drops.
  const int bytes = 4 << 20;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  const sockaddr_in address = address_of(listen);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Failure{errno};
  }
  return fd;
}

int join_group(int fd, std::uint32_t group) {
  ip_mreq request{};
  request.imr_multiaddr.s_addr = htonl(group);
  request.imr_interface.s_addr = htonl(INADDR_ANY);
  return ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0 ? 0 : errno;
}

std::uint64_t dropped_by_system(int fd) {
  std::uint32_t figures[SK_MEMINFO_VARS] = {};
  socklen_t bytes = sizeof figures;
  return ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &bytes) == 0 ? figures[SK_MEMINFO_DROPS]
                                                                        : 0;
}

Result<Fd, int> open_udp_socket() {
  Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return fd.valid() ? Result<Fd, int>(std::move(fd)) : Result<Fd, int>(Failure{errno});
}

int aim_udp(int fd, Endpoint to) {
  const sockaddr_in address = address_of(to);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0
                                                                                         : errno;
}

Result<Fd, int> open_udp_sender(Endpoint to) {
  auto opened = open_udp_socket();
  if (const int error = opened ? aim_udp(opened.value().get(), to) : 0; error != 0) {
    return Failure{error};
  }
  return opened;
}

std::int64_t unacknowledged_bytes(int fd) {
  int bytes = 0;
  return ::ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -errno;
}

int send_now(int fd, Bytes datagram) {
  // A refused port reports its error at the next send. That error is about an earlier datagram, so
  // clear it and send once more.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (::syscall(SYS_sendto, fd, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  nullptr, 0) >= 0) {
      return 0;
    }
    if (errno != ECONNREFUSED) {
      return errno;
    }
  }
  return ECONNREFUSED;
}

Result<Fd, int> open_udp_to_itself() {
  auto opened = open_udp_socket();
  if (!opened) {
    return opened;
  }
  const int fd = opened.value().get();
  sockaddr_in own = address_of({INADDR_LOOPBACK, 0});
  socklen_t bytes = sizeof own;
  auto* const address = reinterpret_cast<sockaddr*>(&own);
  if (::bind(fd, address, sizeof own) != 0 || ::getsockname(fd, address, &bytes) != 0 ||
      ::connect(fd, address, sizeof own) != 0) {
    return Failure{errno};
  }
  return opened;
}

void rehearse_sending(int to_itself, Bytes datagram) {
  send_now(to_itself, datagram);
  // A late datagram is drained by the next call.
  for (int i = 0; i < 2 && receive_now(to_itself, {}) >= 0; ++i) {
  }
}

std::int64_t write_now(int fd, Bytes bytes) {
  const auto wrote = ::write(fd, bytes.data(), bytes.size());
  return wrote >= 0 ? wrote : -errno;
}

Result<Fd, int> open_serial(const std::string& device, std::uint32_t baud, bool blocking) {
  Fd fd(::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    return Failure{errno};
  }
  termios line{};
  if (::tcgetattr(fd.get(), &line) != 0) {
    return Failure{errno};
  }
  ::cfmakeraw(&line);
  line.c_cflag |= CLOCAL | CREAD;
  line.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | CSTOPB);
  line.c_cc[VMIN] = 1;
  line.c_cc[VTIME] = 0;
  const Speed* chosen = nullptr;
  for (const Speed& speed : kSpeeds) {
    chosen = speed.baud == baud ? &speed : chosen;
  }
  if (chosen == nullptr) {
    return Failure{EINVAL};
  }
  ::cfsetispeed(&line, chosen->code);
  ::cfsetospeed(&line, chosen->code);
  if (::tcsetattr(fd.get(), TCSANOW, &line) != 0) {
    return Failure{errno};
  }
  // Open without waiting, and only then clear O_NONBLOCK.
  if (blocking) {
    make_blocking(fd.get());
  }
  return fd;
}

Result<Fd, int> open_pipe(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) {
    return Failure{errno};
  }
  if (!S_ISFIFO(info.st_mode)) {
    return Failure{static_cast<int>(Trouble::no_pipe)};
  }
  return fd;
}

Result<Fd, int> open_standard_input() {
  Fd fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  return fd.valid() ? Result<Fd, int>(std::move(fd)) : Result<Fd, int>(Failure{errno});
}

bool has_input(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0;
}

void make_blocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

int open_pair(Fd& one, Fd& other, bool stream) {
  int ends[2];
  const int type = stream ? SOCK_STREAM : SOCK_SEQPACKET;
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return errno;
  }
  one = Fd(ends[0]);
  other = Fd(ends[1]);
  return 0;
}

Result<Fd, int> listen_unix(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) {
    return Failure{address.error()};
  }
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Failure{errno};
  }
  ::unlink(path.c_str());  // left over from a killed node; the folder's lock excludes a running one
  const mode_t before = ::umask(0117);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int error = errno;
  ::umask(before);
  if (bound != 0) {
    return Failure{error};
  }
  if (::listen(fd.get(), 16) != 0) {
    return Failure{errno};
  }
  return fd;
}

Result<Fd, int> accept_unix(int listener) {
  Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) {
    return Failure{errno};
  }
  return fd;
}

Result<Fd, int> connect_unix(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) {
    return Failure{address.error()};
  }
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    return Failure{errno};
  }
  return fd;
}

bool wait_any(std::span<const Awaited> awaited, int timeout_ms) {
  constexpr std::size_t kMost = 64;
  pollfd polled[kMost];
  const std::size_t count = std::min(awaited.size(), kMost);
  for (std::size_t i = 0; i < count; ++i) {
    polled[i] = {awaited[i].fd, static_cast<short>(awaited[i].writable ? POLLOUT : POLLIN), 0};
  }
  return ::poll(polled, count, timeout_ms) > 0;
}

bool wait_readable(int fd, int timeout_ms) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, timeout_ms) > 0;
}

namespace {

// Not the library's call, which is a cancellation point and marks itself so, and not read(), which
// goes through the file layer: together a quarter of an idle poll's time.
std::int64_t receive(int socket, std::span<std::uint8_t> into, int flags) {
  const auto got = ::syscall(SYS_recvfrom, socket, into.data(), into.size(), MSG_DONTWAIT | flags,
                             nullptr, nullptr);
  return got >= 0 ? got : -errno;
}

}  // namespace

std::int64_t receive_now(int socket, std::span<std::uint8_t> into) {
  return receive(socket, into, 0);
}
std::int64_t receive_datagram_now(int socket, std::span<std::uint8_t> into) {
  return receive(socket, into, MSG_TRUNC);
}
std::int64_t receive_from_now(int socket, std::span<std::uint8_t> into, std::uint32_t& sender) {
  sockaddr_in from{};
  socklen_t length = sizeof from;
  const auto got = ::syscall(SYS_recvfrom, socket, into.data(), into.size(),
                             MSG_DONTWAIT | MSG_TRUNC, &from, &length);
  sender = from.sin_family == AF_INET ? ntohl(from.sin_addr.s_addr) : 0;
  return got >= 0 ? got : -errno;
}

}  // namespace vedette::platform
