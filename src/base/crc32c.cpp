#include "base/crc32c.hpp"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace vedette {
namespace {

constexpr std::uint32_t kPolynomialReflected = 0x82F63B78U;

// Eight tables fold eight bytes at a time: about 1.5 GB/s without special instructions.
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

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(Bytes bytes,
                                                                      std::uint32_t seed) {
  std::uint64_t crc = ~seed;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    crc = _mm_crc32_u64(crc, load_le<std::uint64_t>(at));
  }
  auto last = static_cast<std::uint32_t>(crc);
  for (; left > 0; --left, ++at) {
    last = _mm_crc32_u8(last, *at);
  }
  return ~last;
}

const bool kHasInstruction = __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__)
__attribute__((target("+crc"))) std::uint32_t crc32c_by_instruction(Bytes bytes,
                                                                    std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    crc = __crc32cd(crc, load_le<std::uint64_t>(at));
  }
  for (; left > 0; --left, ++at) {
    crc = __crc32cb(crc, *at);
  }
  return ~crc;
}

const bool kHasInstruction = (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t seed) {
  return kHasInstruction ? crc32c_by_instruction(bytes, seed) : crc32c_by_table(bytes, seed);
}

std::uint32_t crc32c_by_table(Bytes bytes, std::uint32_t seed) {
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
