// Purpose: the other end of a TCP connection, IPv4 or IPv6, and the calls that begin, listen for
// and accept connections. Fails as: errno. Runs on: warm threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "platform/file.hpp"
#include "platform/socket.hpp"

namespace vedette::platform {

struct Peer {
  std::array<std::uint8_t, 16> address{};  // network order; IPv4: the first four
  std::uint16_t port = 0;
  bool v6 = false;
};

Peer peer_of(Endpoint endpoint);
// "192.0.2.7:10110" or "[2001:db8::7]:10110".
std::optional<Peer> parse_peer(std::string_view text);
std::string to_text(const Peer& peer);
// Of a system's address; nothing unless it is IPv4 or IPv6.
std::optional<Peer> peer_of(const void* address, std::size_t bytes);
// IPv4 in host order, also of an IPv4 address written as IPv6; 0 for other IPv6.
std::uint32_t ipv4_of(const Peer& peer);

// Begins a non-blocking TCP connection; connection_error() is EINPROGRESS until it is established
// (0) or has failed. Fails with ETIMEDOUT when the peer is silent for `give_up_ns` while probed or
// owing an acknowledgement.
Result<Fd, int> begin_connection(const Peer& to, std::int64_t give_up_ns);
int connection_error(int fd);
// Non-blocking listener. `before_address`: on an address that the machine does not have yet;
// without it that is EADDRNOTAVAIL.
Result<Fd, int> listen_tcp(const Peer& at, bool before_address = false);
// EAGAIN when nobody connects.
Result<Fd, int> accept_tcp(int listener, std::int64_t give_up_ns, Peer& from);
// Ends both directions of a connection whose descriptor others hold, too.
void shut_down(int fd);

}  // namespace vedette::platform
