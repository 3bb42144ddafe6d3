// Purpose: a packet capture as a series of packets: pcap (draft-ietf-opsawg-pcap) and pcapng
// (draft-ietf-opsawg-pcapng) in either byte order. In: the whole file in memory. Out: next(), in
// file order. Bound: kInterfaces in a pcapng section; packets of others are not readable. Fails as:
// a text from open(), then packets that are cut. Runs on: ingress; no allocation after open().
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace vedette::ingress {

struct Packet {
  std::int64_t time_ns = 0;      // Unix; 0 when it has none
  std::uint32_t link = kNoLink;  // as in tcpdump.org/linktypes.html
  Bytes bytes;
  bool cut = false;  // shorter than it was on the wire
  static constexpr std::uint32_t kNoLink = 0xFFFFFFFF;
};

class Capture {
 public:
  static constexpr std::size_t kInterfaces = 64;

  static bool starts(Bytes content);
  // Returns the error, or an empty text. The content outlives this.
  std::string open(Bytes content);
  std::optional<Packet> next();

 private:
  struct Interface {
    std::uint32_t link = Packet::kNoLink;
    std::uint8_t resolution = 6;  // if_tsresol: of a power of ten, or of two with the high bit
    std::int64_t offset_s = 0;    // if_tsoffset
  };

  std::uint16_t half(std::size_t at) const;
  std::uint32_t word(std::size_t at) const;
  std::optional<Packet> next_pcap();
  std::optional<Packet> next_block();
  Packet rest();
  void begin_section();
  void read_interface(std::size_t at, std::size_t end);
  std::int64_t time_of(const Interface& from, std::uint64_t ticks) const;

  Bytes content_;
  std::size_t at_ = 0;
  bool blocks_ = false;       // pcapng
  bool swapped_ = false;      // written on a big-endian machine
  bool nanoseconds_ = false;  // of pcap
  std::size_t interfaces_ = 0;
  std::array<Interface, kInterfaces> interface_{};
};

}  // namespace vedette::ingress
