#include "edge/ingress/ethernet.hpp"

#include <array>
#include <vector>

#include "test.hpp"

using vedette::Bytes;
using vedette::RefusalCause;
using vedette::ingress::internet_sum;
using vedette::ingress::parse_ethernet;

namespace {

// As in RFC 1071: big-endian pairs of bytes, with end-around carry.
std::uint16_t sum_of_pairs(Bytes bytes, std::uint32_t seed) {
  std::uint64_t sum = seed;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint64_t{bytes[i]} << 8 : bytes[i];
  }
  while (sum > 0xFFFF) {
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

// An IPv4 datagram from 10.0.0.1:5 to 10.0.0.2:10110 that says "hello".
std::vector<std::uint8_t> a_frame() {
  std::vector<std::uint8_t> frame = {
      2, 0, 0,    0,    0, 2,  2, 0, 0,   0,   0,   1,  // Ethernet II
      8, 0, 0x45, 0,    0, 33, 0, 1, 0,   0,   64,  17,  0,  0, 10, 0, 0, 1, 10, 0, 0, 2,  // IPv4
      0, 5, 0x27, 0x7E, 0, 13, 0, 0, 'h', 'e', 'l', 'l', 'o'};                             // UDP
  const auto put = [&](std::size_t at, std::uint16_t sum) {
    frame[at] = static_cast<std::uint8_t>(~sum >> 8);
    frame[at + 1] = static_cast<std::uint8_t>(~sum);
  };
  put(24, sum_of_pairs(Bytes(frame).subspan(14, 20), 0));
  put(40,
      sum_of_pairs(Bytes(frame).subspan(34), sum_of_pairs(Bytes(frame).subspan(26, 8), 17 + 13)));
  return frame;
}

}  // namespace

TEST_CASE("an internet checksum is that of RFC 1071 at any length, address and seed") {
  const std::array<std::uint8_t, 8> example = {0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7};
  CHECK(internet_sum(example) == 0xDDF2);  // RFC 1071, 3
  CHECK(internet_sum({}) == 0);
  std::vector<std::uint8_t> bytes(300);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * i * 31 + 7 * i + 200);
  }
  for (std::size_t length = 0; length < 280; ++length) {
    for (const std::size_t from : {0UL, 1UL, 7UL}) {
      for (const std::uint32_t seed : {0U, 17U, 0xFFFFU, 0x12345678U}) {
        const Bytes part = Bytes(bytes).subspan(from, length);
        CHECK(internet_sum(part, seed) == sum_of_pairs(part, seed));
      }
    }
  }
  bytes.assign(64, 0xFF);
  CHECK(internet_sum(bytes) == 0xFFFF);
}

TEST_CASE("a datagram in a frame is read, and with one wrong bit in any byte of it refused") {
  const std::vector<std::uint8_t> frame = a_frame();
  const auto read = parse_ethernet(frame);
  REQUIRE(read);
  CHECK(read->port == 10110);
  CHECK(vedette::as_text(read->payload) == "hello");
  for (std::size_t at = 14; at < frame.size(); ++at) {
    std::vector<std::uint8_t> wrong = frame;
    wrong[at] ^= 4;
    const auto refused = parse_ethernet(wrong);
    REQUIRE(!refused);
    if (at >= 42) {
      CHECK(refused.error() == RefusalCause::udp_checksum);
    }
  }
}

TEST_CASE("a frame tells its sender, and one that is cut is oversize when it is a jumbo") {
  std::vector<std::uint8_t> frame = a_frame();
  CHECK(parse_ethernet(frame)->sender == 0x0A000001);
  // The packet states 9,000 bytes with a valid checksum.
  frame[16] = 9000 >> 8;
  frame[17] = 9000 & 255;
  frame[24] = frame[25] = 0;
  const auto sum = static_cast<std::uint16_t>(~sum_of_pairs(Bytes(frame).subspan(14, 20), 0));
  frame[24] = static_cast<std::uint8_t>(sum >> 8);
  frame[25] = static_cast<std::uint8_t>(sum);
  CHECK(parse_ethernet(frame).error() == RefusalCause::ip_header);
  frame.resize(2048);
  CHECK(parse_ethernet(frame).error() == RefusalCause::oversize);
}
