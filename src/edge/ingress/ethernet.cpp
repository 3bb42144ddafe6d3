#include "edge/ingress/ethernet.hpp"

#include "model/limits.hpp"

namespace vedette::ingress {
namespace {

constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86DD;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint16_t kQinq = 0x88A8;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIpv6Fragment = 44;

constexpr std::uint16_t folded(std::uint64_t sum) {
  while (sum >> 16 != 0) {
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

// `addresses`: source and destination of the pseudo header, consecutive.
Result<Datagram, RefusalCause> parse_udp(Bytes segment, Bytes addresses, bool checksum_optional) {
  if (segment.size() < 8) {
    return Failure{RefusalCause::udp_length};
  }
  const std::size_t length = load_be<std::uint16_t>(segment.data() + 4);
  if (length < 8 || length > segment.size()) {
    return Failure{RefusalCause::udp_length};
  }
  const Bytes datagram = segment.first(length);
  const auto checksum = load_be<std::uint16_t>(datagram.data() + 6);
  if (checksum != 0 || !checksum_optional) {
    const std::uint32_t pseudo =
        internet_sum(addresses) + kUdp + static_cast<std::uint32_t>(length);
    if (checksum == 0 || internet_sum(datagram, pseudo) != 0xFFFF) {
      return Failure{RefusalCause::udp_checksum};
    }
  }
  return Datagram{load_be<std::uint16_t>(datagram.data()),
                  load_be<std::uint16_t>(datagram.data() + 2), datagram.subspan(8),
                  addresses.size() == 8 ? load_be<std::uint32_t>(addresses.data()) : 0};
}

// Why a packet ends before its stated length.
RefusalCause cut(Bytes packet) {
  return packet.size() > limits::kFrameBytes ? RefusalCause::oversize : RefusalCause::ip_header;
}

Result<Datagram, RefusalCause> parse_ipv4(Bytes packet) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) {
    return Failure{RefusalCause::ip_header};
  }
  const std::size_t header = static_cast<std::size_t>(packet[0] & 15) * 4;
  const std::size_t total = load_be<std::uint16_t>(packet.data() + 2);
  // Short packets are padded to Ethernet's minimum, so the packet may be longer than `total`.
  if (header < 20 || total < header) {
    return Failure{RefusalCause::ip_header};
  }
  if (total > packet.size()) {
    return Failure{cut(packet)};
  }
  if (internet_sum(packet.first(header)) != 0xFFFF) {
    return Failure{RefusalCause::ip_checksum};
  }
  if ((load_be<std::uint16_t>(packet.data() + 6) & 0x3FFF) != 0) {
    return Failure{RefusalCause::ip_fragment};
  }
  if (packet[9] != kUdp) {
    return Failure{RefusalCause::not_udp};
  }
  return parse_udp(packet.subspan(header, total - header), packet.subspan(12, 8), true);
}

Result<Datagram, RefusalCause> parse_ipv6(Bytes packet) {
  if (packet.size() < 40 || packet[0] >> 4 != 6) {
    return Failure{RefusalCause::ip_header};
  }
  const std::size_t length = load_be<std::uint16_t>(packet.data() + 4);
  if (length > packet.size() - 40) {
    return Failure{cut(packet)};
  }
  if (packet[6] == kIpv6Fragment) {
    return Failure{RefusalCause::ip_fragment};
  }
  if (packet[6] != kUdp) {
    return Failure{RefusalCause::not_udp};
  }
  return parse_udp(packet.subspan(40, length), packet.subspan(8, 32), false);
}

Result<Datagram, RefusalCause> parse_ip(std::uint16_t type, Bytes packet) {
  if (type == kIpv4) {
    return parse_ipv4(packet);
  }
  if (type == kIpv6) {
    return parse_ipv6(packet);
  }
  return Failure{RefusalCause::ethernet};
}

// Without a link header: the version tells.
Result<Datagram, RefusalCause> parse_raw(Bytes packet) {
  return !packet.empty() && packet[0] >> 4 == 6 ? parse_ipv6(packet) : parse_ipv4(packet);
}

enum class Link : std::uint32_t {
  null = 0,
  ethernet = 1,
  raw_bsd = 12,
  raw_openbsd = 14,
  raw = 101,
  loop = 108,
  cooked = 113,
  ipv4 = 228,
  ipv6 = 229,
  cooked_2 = 276
};

}  // namespace

// RFC 1071, 2 (B) and (C): sums words of any size in either byte order, which is corrected at the
// end.
std::uint16_t internet_sum(Bytes bytes, std::uint32_t seed) {
  std::uint64_t sum = 0;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    const auto word = load_le<std::uint64_t>(at);
    sum += (word & 0xFFFFFFFF) + (word >> 32);
  }
  for (; left >= 2; left -= 2, at += 2) {
    sum += load_le<std::uint16_t>(at);
  }
  sum += left != 0 ? *at : 0U;
  return folded(std::uint64_t{__builtin_bswap16(folded(sum))} + seed);
}

Result<Datagram, RefusalCause> parse_ethernet(Bytes frame) {
  if (frame.size() < 14) {
    return Failure{RefusalCause::ethernet};
  }
  std::size_t at = 12;
  auto type = load_be<std::uint16_t>(frame.data() + at);
  for (int tags = 0; tags < 2 && (type == kVlan || type == kQinq); ++tags) {
    at += 4;
    if (frame.size() < at + 2) {
      return Failure{RefusalCause::ethernet};
    }
    type = load_be<std::uint16_t>(frame.data() + at);
  }
  return parse_ip(type, frame.subspan(at + 2));
}

bool is_readable_link(std::uint32_t link) {
  switch (static_cast<Link>(link)) {
    case Link::null:
    case Link::ethernet:
    case Link::raw_bsd:
    case Link::raw_openbsd:
    case Link::raw:
    case Link::loop:
    case Link::cooked:
    case Link::ipv4:
    case Link::ipv6:
    case Link::cooked_2:
      return true;
  }
  return false;
}

Result<Datagram, RefusalCause> parse_packet(std::uint32_t link, Bytes packet) {
  constexpr std::size_t kCooked = 16, kCooked2 = 20, kFamily = 4;
  switch (static_cast<Link>(link)) {
    case Link::ethernet:
      return parse_ethernet(packet);
    case Link::null:  // the address family, in either byte order
    case Link::loop:
      return packet.size() < kFamily
                 ? Result<Datagram, RefusalCause>(Failure{RefusalCause::ethernet})
                 : parse_raw(packet.subspan(kFamily));
    case Link::raw_bsd:
    case Link::raw_openbsd:
    case Link::raw:
    case Link::ipv4:
    case Link::ipv6:
      return parse_raw(packet);
    case Link::cooked:
      if (packet.size() >= kCooked) {
        return parse_ip(load_be<std::uint16_t>(packet.data() + 14), packet.subspan(kCooked));
      }
      break;
    case Link::cooked_2:
      if (packet.size() >= kCooked2) {
        return parse_ip(load_be<std::uint16_t>(packet.data()), packet.subspan(kCooked2));
      }
      break;
  }
  return Failure{RefusalCause::ethernet};
}

}  // namespace vedette::ingress
