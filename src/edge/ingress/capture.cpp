#include "edge/ingress/capture.hpp"

#include <algorithm>

#include "edge/ingress/ethernet.hpp"

namespace vedette::ingress {
namespace {

constexpr std::uint32_t kMicro = 0xA1B2C3D4;
constexpr std::uint32_t kNano = 0xA1B23C4D;
constexpr std::size_t kFileHeader = 24;
constexpr std::size_t kRecordHeader = 16;

constexpr std::uint32_t kSection = 0x0A0D0D0A;  // the same in both byte orders
constexpr std::uint32_t kByteOrder = 0x1A2B3C4D;
constexpr std::uint32_t kInterfaceBlock = 1, kOldPacket = 2, kSimplePacket = 3, kPacket = 6;
constexpr std::size_t kBlockEnds = 12;  // type and length before the body, length behind it

std::uint32_t swap32(std::uint32_t v) {
  return __builtin_bswap32(v);
}
bool is_pcap(std::uint32_t magic) {
  return magic == kMicro || magic == kNano || swap32(magic) == kMicro || swap32(magic) == kNano;
}

}  // namespace

bool Capture::starts(Bytes content) {
  if (content.size() < 4) {
    return false;
  }
  const auto magic = load_le<std::uint32_t>(content.data());
  return magic == kSection || is_pcap(magic);
}

std::uint16_t Capture::half(std::size_t at) const {
  const auto v = load_le<std::uint16_t>(content_.data() + at);
  return swapped_ ? __builtin_bswap16(v) : v;
}
std::uint32_t Capture::word(std::size_t at) const {
  const auto v = load_le<std::uint32_t>(content_.data() + at);
  return swapped_ ? swap32(v) : v;
}

std::string Capture::open(Bytes content) {
  content_ = content;
  if (content.size() < kFileHeader) {
    return "the capture ends within its header: it has " + std::to_string(content.size()) +
           " bytes, a header has 24";
  }
  const auto magic = load_le<std::uint32_t>(content.data());
  if (!starts(content)) {
    return "neither a pcap nor a pcapng capture";
  }
  std::uint32_t link = Packet::kNoLink;
  if (magic == kSection) {
    blocks_ = true;
    begin_section();
    // The first packet's interface tells for all.
    Capture ahead = *this;
    const auto first = ahead.next();
    link = first ? first->link : Packet::kNoLink;
    if (!first || first->link == Packet::kNoLink) {
      return {};
    }
  } else {
    swapped_ = !(magic == kMicro || magic == kNano);
    nanoseconds_ = (swapped_ ? swap32(magic) : magic) == kNano;
    link = interface_[0].link = word(20) & 0x0FFFFFFF;
    at_ = kFileHeader;
  }
  return is_readable_link(link)
             ? std::string()
             : "the capture has link type " + std::to_string(link) +
                   ", only Ethernet (1), raw IP (12, 14, 101, 228, 229), Linux cooked (113, 276) "
                   "and loopback (0, 108) can be read";
}

std::optional<Packet> Capture::next() {
  if (at_ >= content_.size()) {
    return std::nullopt;
  }
  return blocks_ ? next_block() : next_pcap();
}

// What a truncated file ends with.
Packet Capture::rest() {
  Packet packet;
  packet.bytes = content_.subspan(at_);
  packet.cut = true;
  at_ = content_.size();
  return packet;
}

std::optional<Packet> Capture::next_pcap() {
  if (content_.size() - at_ < kRecordHeader) {
    return rest();
  }
  const std::size_t captured = word(at_ + 8);
  Packet packet;
  packet.link = interface_[0].link;
  packet.time_ns = std::int64_t{word(at_)} * 1'000'000'000 +
                   std::int64_t{word(at_ + 4)} * (nanoseconds_ ? 1 : 1000);
  packet.cut = captured < word(at_ + 12);
  if (captured > content_.size() - at_ - kRecordHeader) {
    at_ += kRecordHeader;
    Packet last = rest();
    last.time_ns = packet.time_ns;
    return last;
  }
  packet.bytes = content_.subspan(at_ + kRecordHeader, captured);
  at_ += kRecordHeader + captured;
  return packet;
}

void Capture::begin_section() {
  swapped_ = load_le<std::uint32_t>(content_.data() + at_ + 8) != kByteOrder;
  interfaces_ = 0;
}

void Capture::read_interface(std::size_t at, std::size_t end) {
  if (interfaces_ == kInterfaces || end - at < 8) {
    return;
  }
  Interface& added = interface_[interfaces_++];
  added = {};
  added.link = half(at);
  for (std::size_t option = at + 8; option + 4 <= end;) {
    const std::uint16_t code = half(option);
    const std::size_t bytes = half(option + 2);
    if (code == 0 || bytes > end - option - 4) {
      return;
    }
    if (code == 9 && bytes >= 1) {
      added.resolution = content_[option + 4];
    } else if (code == 14 && bytes >= 8) {
      const std::uint64_t low = word(option + (swapped_ ? 8 : 4));
      const std::uint64_t high = word(option + (swapped_ ? 4 : 8));
      added.offset_s = static_cast<std::int64_t>(high << 32 | low);
    }
    option += 4 + align_up(bytes, 4);
  }
}

std::int64_t Capture::time_of(const Interface& from, std::uint64_t ticks) const {
  constexpr std::uint64_t kSecondsMost = 1ULL << 33;  // beyond any time that is believed
  std::uint64_t seconds = 0, nanoseconds = 0;
  const unsigned power = from.resolution & 0x7FU;
  if ((from.resolution & 0x80) != 0) {
    const unsigned shift = std::min(power, 63U);
    seconds = ticks >> shift;
    const std::uint64_t part = ticks & ((1ULL << shift) - 1);
    nanoseconds =
        shift <= 30 ? part * 1'000'000'000 >> shift : (part >> (shift - 30)) * 1'000'000'000 >> 30;
  } else {
    std::uint64_t each = 1;  // ticks a second
    for (unsigned i = 0; i < std::min(power, 18U); ++i) {
      each *= 10;
    }
    seconds = ticks / each;
    const std::uint64_t part = ticks % each;
    nanoseconds =
        each <= 1'000'000'000 ? part * (1'000'000'000 / each) : part / (each / 1'000'000'000);
  }
  if (seconds >= kSecondsMost || from.offset_s < 0 ||
      from.offset_s >= static_cast<std::int64_t>(kSecondsMost)) {
    return 0;
  }
  const std::int64_t whole = static_cast<std::int64_t>(seconds) + from.offset_s;
  return whole < (std::int64_t{1} << 33)
             ? whole * 1'000'000'000 + static_cast<std::int64_t>(nanoseconds)
             : 0;
}

std::optional<Packet> Capture::next_block() {
  while (at_ < content_.size()) {
    const std::size_t left = content_.size() - at_;
    if (left < kBlockEnds) {
      return rest();
    }
    const auto raw_type = load_le<std::uint32_t>(content_.data() + at_);
    if (raw_type == kSection) {
      begin_section();
    }
    const std::uint32_t type = word(at_);
    const std::size_t length = word(at_ + 4);
    if (length < kBlockEnds || length % 4 != 0 || length > left) {
      return rest();
    }
    const std::size_t body = at_ + 8;
    const std::size_t end = at_ + length - 4;
    at_ += length;
    if (type == kInterfaceBlock) {
      read_interface(body, end);
      continue;
    }
    const std::size_t header = type == kSimplePacket ? 4 : 20;
    if ((type != kPacket && type != kSimplePacket && type != kOldPacket) || end - body < header) {
      continue;
    }
    Packet packet;
    const std::size_t number = type == kPacket      ? word(body)
                               : type == kOldPacket ? half(body)
                                                    : std::size_t{0};
    const std::size_t length_on_wire = word(type == kSimplePacket ? body : body + 16);
    const std::size_t captured =
        type == kSimplePacket ? std::min(length_on_wire, end - body - 4) : word(body + 12);
    packet.cut = captured < length_on_wire || captured > end - body - header;
    packet.bytes = content_.subspan(body + header, std::min(captured, end - body - header));
    if (number < interfaces_) {
      packet.link = interface_[number].link;
      const std::uint64_t ticks = std::uint64_t{word(body + 4)} << 32 | word(body + 8);
      packet.time_ns = type == kSimplePacket ? 0 : time_of(interface_[number], ticks);
    }
    return packet;
  }
  return std::nullopt;
}

}  // namespace vedette::ingress
