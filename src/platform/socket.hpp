// Purpose: datagram and Unix sockets, and serial lines. Numeric addresses only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "platform/file.hpp"

namespace vedette::platform {

struct Endpoint {
  std::uint32_t address;  // IPv4, host order
  std::uint16_t port;
};

// "192.0.2.7:10110"; no names, because a static binary cannot look them up.
std::optional<Endpoint> parse_endpoint(std::string_view text);
std::string to_text(Endpoint endpoint);

// Bound, non-blocking UDP socket. `shared`: others may bind the port too, as usual for a multicast
// group. `before_address`: binds an address that the machine does not have yet; without it that is
// EADDRNOTAVAIL.
Result<Fd, int> open_udp_receiver(Endpoint listen, bool shared = false,
                                  bool before_address = false);
// 0, or errno (ENODEV: no interface leads to the group now). `group` is in host order.
int join_group(int fd, std::uint32_t group);
// Datagrams that the system dropped since opening because the socket's buffer was full.
std::uint64_t dropped_by_system(int fd);
// Non-blocking UDP socket, and its destination, so that a send is one system call without an
// address. 0, or errno (ENETUNREACH: no route now; a later try may find one).
Result<Fd, int> open_udp_socket();
int aim_udp(int fd, Endpoint to);
// Does both.
Result<Fd, int> open_udp_sender(Endpoint to);
// Unacknowledged bytes, sent or queued, also of a failed connection. -errno if unknown.
std::int64_t unacknowledged_bytes(int fd);
// 0, or errno (EAGAIN: the system's buffer is full).
int send_now(int fd, Bytes datagram);
// Non-blocking UDP socket on a loopback port chosen by the system; receives only from itself.
Result<Fd, int> open_udp_to_itself();
// Warms the send path: the datagram passes through the whole system and is discarded.
void rehearse_sending(int to_itself, Bytes datagram);
// Writes what fits now; returns bytes, or -errno.
std::int64_t write_now(int fd, Bytes bytes);

// Raw CAN frames of an interface that is up, and its error frames; ENETDOWN if it is down.
Result<Fd, int> open_can(const std::string& interface);
// Brings up an interface that is down, with this bit rate and a controller that restarts by itself
// after bus-off; one whose name begins with "vcan" is virtual, has no rate, and is made if it is
// absent. 0, or errno.
int bring_up_can(const std::string& interface, std::uint32_t bitrate);

// Raw 8N1 line; EINVAL for an unsupported speed. Open a line for reading through io_uring as
// blocking, because io_uring waits for it; one that a hot thread writes as non-blocking.
Result<Fd, int> open_serial(const std::string& device, std::uint32_t baud, bool blocking);

// A FIFO for reading, non-blocking: readable once somebody has written. Trouble::no_pipe for
// others.
Result<Fd, int> open_pipe(const std::string& path);
Result<Fd, int> open_standard_input();
void make_blocking(int fd);
bool has_input(int fd);

// Two ends of datagrams that keep their order, or of a stream; non-blocking. 0, or errno.
int open_pair(Fd& one, Fd& other, bool stream = false);

Result<Fd, int> listen_unix(const std::string& path);
Result<Fd, int> accept_unix(int listener);  // non-blocking; EAGAIN when nobody connects
Result<Fd, int> connect_unix(const std::string& path);
// Waits for the first of several that is readable or writable; false on time-out.
struct Awaited {
  int fd;
  bool writable;
};
bool wait_any(std::span<const Awaited> awaited, int timeout_ms);
// Waits until readable; false on time-out.
bool wait_readable(int fd, int timeout_ms);
std::int64_t receive_now(int socket, std::span<std::uint8_t> into);  // bytes, or -errno
// A datagram's full length, even if `into` is shorter, or -errno.
std::int64_t receive_datagram_now(int socket, std::span<std::uint8_t> into);
// The same, with its sender: IPv4, host order.
std::int64_t receive_from_now(int socket, std::span<std::uint8_t> into, std::uint32_t& sender);

}  // namespace vedette::platform
