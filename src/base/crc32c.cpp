#include "base/crc32c.hpp"

#include <array>

namespace vedette {
namespace {

constexpr std::uint32_t kPolynomialReflected = 0x82F63B78U;

// Eight tables so that eight bytes are folded at a time; about 1.5 GB/s without special
// instructions.
constexpr auto make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomialReflected : 0U);
    }
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t) {
    for (std::size_t i = 0; i < 256; ++i) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFFU];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  while (left >= 8) {
    const std::uint64_t word = load_le<std::uint64_t>(at) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      crc ^= kTables[7 - i][(word >> (8 * i)) & 0xFFU];
    }
    at += 8;
    left -= 8;
  }
  while (left-- > 0) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ *at++) & 0xFFU];
  }
  return ~crc;
}

}  // namespace vedette
