#include "platform/peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"

namespace vedette::platform {
namespace {

constexpr std::size_t kIpv4Bytes = 4;
constexpr int kBacklog = 16;  // connections that wait to be accepted

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress address_of(const Peer& peer) {
  SocketAddress out;
  if (peer.v6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(peer.port);
    std::memcpy(&in.sin6_addr, peer.address.data(), peer.address.size());
    std::memcpy(&out.storage, &in, sizeof in);
    out.bytes = sizeof in;
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(peer.port);
    std::memcpy(&in.sin_addr, peer.address.data(), kIpv4Bytes);
    std::memcpy(&out.storage, &in, sizeof in);
    out.bytes = sizeof in;
  }
  return out;
}

void set(int fd, int level, int option, std::int64_t value) {
  const int number = static_cast<int>(std::min<std::int64_t>(value, 1 << 30));
  ::setsockopt(fd, level, option, &number, sizeof number);
}

// Keepalive probes a silent peer after half the time, in whole seconds; unacknowledged data ends
// the connection.
void watch_over(int fd, std::int64_t give_up_ns) {
  const std::int64_t quarter_s = std::max<std::int64_t>(1, give_up_ns / 4'000'000'000);
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 2 * quarter_s);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, quarter_s);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, std::max<std::int64_t>(1, give_up_ns / 1'000'000));
}

}  // namespace

Peer peer_of(Endpoint endpoint) {
  Peer peer;
  for (std::size_t i = 0; i < kIpv4Bytes; ++i) {
    peer.address[i] = static_cast<std::uint8_t>(endpoint.address >> (24 - 8 * i));
  }
  peer.port = endpoint.port;
  return peer;
}

std::optional<Peer> peer_of(const void* address, std::size_t bytes) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address, std::min(bytes, sizeof storage));
  Peer peer;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(peer.address.data(), &in.sin6_addr, peer.address.size());
    peer.port = ntohs(in.sin6_port);
    peer.v6 = true;
    return peer;
  }
  if (storage.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(peer.address.data(), &in.sin_addr, kIpv4Bytes);
    peer.port = ntohs(in.sin_port);
    return peer;
  }
  return std::nullopt;
}

std::optional<Peer> parse_peer(std::string_view text) {
  if (const auto v4 = parse_endpoint(text)) {
    return peer_of(*v4);
  }
  const std::size_t end = text.rfind("]:");
  if (text.empty() || text[0] != '[' || end == std::string_view::npos) {
    return std::nullopt;
  }
  Peer peer;
  peer.v6 = true;
  const std::string host(text.substr(1, end - 1));
  const auto port = parse_unsigned(text.substr(end + 2));
  if (!port || *port > 65535 || ::inet_pton(AF_INET6, host.c_str(), peer.address.data()) != 1) {
    return std::nullopt;
  }
  peer.port = static_cast<std::uint16_t>(*port);
  return peer;
}

std::uint32_t ipv4_of(const Peer& peer) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const bool mapped = peer.v6 && std::equal(kMapped.begin(), kMapped.end(), peer.address.begin());
  if (peer.v6 && !mapped) {
    return 0;
  }
  return load_be<std::uint32_t>(peer.address.data() + (mapped ? kMapped.size() : 0));
}

std::string to_text(const Peer& peer) {
  if (const std::uint32_t v4 = ipv4_of(peer); v4 != 0 || !peer.v6) {
    return to_text(Endpoint{v4, peer.port});
  }
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, peer.address.data(), text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(peer.port);
}

Result<Fd, int> begin_connection(const Peer& to, std::int64_t give_up_ns) {
  Fd fd(::socket(to.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Failure{errno};
  }
  watch_over(fd.get(), give_up_ns);
  SocketAddress address = address_of(to);
  if (::connect(fd.get(), address.get(), address.bytes) != 0 && errno != EINPROGRESS) {
    return Failure{errno};
  }
  return fd;
}

int connection_error(int fd) {
  pollfd p{fd, POLLOUT, 0};
  if (::poll(&p, 1, 0) == 0) {
    return EINPROGRESS;
  }
  int error = 0;
  socklen_t bytes = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

Result<Fd, int> listen_tcp(const Peer& at, bool before_address) {
  Fd fd(::socket(at.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return Failure{errno};
  }
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (before_address) {
    set(fd.get(), IPPROTO_IP, IP_FREEBIND, 1);
  }
  SocketAddress address = address_of(at);
  if (::bind(fd.get(), address.get(), address.bytes) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return Failure{errno};
  }
  return fd;
}

Result<Fd, int> accept_tcp(int listener, std::int64_t give_up_ns, Peer& from) {
  SocketAddress address;
  address.bytes = sizeof address.storage;
  Fd fd(::accept4(listener, address.get(), &address.bytes, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) {
    return Failure{errno};
  }
  from = peer_of(&address.storage, address.bytes).value_or(Peer{});
  watch_over(fd.get(), give_up_ns);
  return fd;
}

void shut_down(int fd) {
  ::shutdown(fd, SHUT_RDWR);
}

}  // namespace vedette::platform
