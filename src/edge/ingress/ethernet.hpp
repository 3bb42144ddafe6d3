// Purpose: extracts one UDP payload from an Ethernet frame, or from a packet as captures keep it,
// checking every length and checksum.
// Standards: IEEE 802.3/802.1Q, RFC 791, RFC 8200 (hop-by-hop, routing and destination headers are
// not followed), RFC 768. Fragments are refused by name, because nothing here reassembles. A frame
// beyond Ethernet's length that is truncated is oversize.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/refusal.hpp"

namespace vedette::ingress {

struct Datagram {
  std::uint16_t source_port;
  std::uint16_t port;
  Bytes payload;
  std::uint32_t sender = 0;  // IPv4, host order; 0 for IPv6
};

Result<Datagram, RefusalCause> parse_ethernet(Bytes frame);
// `link`: what the packet begins with, as in tcpdump.org/linktypes.html.
Result<Datagram, RefusalCause> parse_packet(std::uint32_t link, Bytes packet);
bool is_readable_link(std::uint32_t link);

// RFC 1071 one's complement sum, folded, not inverted.
std::uint16_t internet_sum(Bytes bytes, std::uint32_t seed = 0);

}  // namespace vedette::ingress
