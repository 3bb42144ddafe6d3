#include "core/engine/ready_set.hpp"

#include <array>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace vedette::engine {
namespace {

// Each kernel writes the ids of one word's bits, ascending, and returns the end.
std::uint16_t* put_scalar(std::uint64_t bits, std::uint32_t first, std::uint16_t* out) {
  for (; bits != 0; bits &= bits - 1) {
    *out++ = static_cast<std::uint16_t>(first + static_cast<std::uint32_t>(std::countr_zero(bits)));
  }
  return out;
}

#if defined(__x86_64__) || defined(__aarch64__)
// For each byte of bits: the shuffle that compacts eight 16-bit values.
struct alignas(64) Shuffles {
  std::array<std::array<std::uint8_t, 16>, 256> of{};
  constexpr Shuffles() {
    for (std::size_t bits = 0; bits < 256; ++bits) {
      std::size_t to = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        if ((bits >> i & 1) != 0) {
          of[bits][2 * to] = static_cast<std::uint8_t>(2 * i);
          of[bits][2 * to + 1] = static_cast<std::uint8_t>(2 * i + 1);
          ++to;
        }
      }
    }
  }
};
constexpr Shuffles kShuffles;
constexpr std::uint16_t kEight[8] = {0, 1, 2, 3, 4, 5, 6, 7};
#endif

#if defined(__x86_64__)
__attribute__((target("ssse3,popcnt"))) std::uint16_t* put_sse(std::uint64_t bits,
                                                               std::uint32_t first,
                                                               std::uint16_t* out) {
  __m128i ids = _mm_add_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kEight)),
                              _mm_set1_epi16(static_cast<short>(first)));
  for (int i = 0; i < 8; ++i, bits >>= 8) {
    const auto byte = static_cast<std::size_t>(bits & 0xFF);
    const __m128i order =
        _mm_load_si128(reinterpret_cast<const __m128i*>(kShuffles.of[byte].data()));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(ids, order));
    out += _mm_popcnt_u32(static_cast<unsigned>(byte));
    ids = _mm_add_epi16(ids, _mm_set1_epi16(8));
  }
  return out;
}

__attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt"))) std::uint16_t* put_avx512(
    std::uint64_t bits, std::uint32_t first, std::uint16_t* out) {
  alignas(64) static constexpr std::uint16_t kThirtyTwo[32] = {
      0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
      16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  const __m512i low =
      _mm512_add_epi16(_mm512_load_si512(kThirtyTwo), _mm512_set1_epi16(static_cast<short>(first)));
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(32));
  const auto here = static_cast<__mmask32>(bits);
  const auto there = static_cast<__mmask32>(bits >> 32);
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi16(here, low));
  out += _mm_popcnt_u32(here);
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi16(there, high));
  return out + _mm_popcnt_u32(there);
}
#elif defined(__aarch64__)
std::uint16_t* put_neon(std::uint64_t bits, std::uint32_t first, std::uint16_t* out) {
  uint16x8_t ids = vaddq_u16(vld1q_u16(kEight), vdupq_n_u16(static_cast<std::uint16_t>(first)));
  for (int i = 0; i < 8; ++i, bits >>= 8) {
    const auto byte = static_cast<std::size_t>(bits & 0xFF);
    const uint8x16_t order = vld1q_u8(kShuffles.of[byte].data());
    vst1q_u16(out, vreinterpretq_u16_u8(vqtbl1q_u8(vreinterpretq_u8_u16(ids), order)));
    out += std::popcount(byte);
    ids = vaddq_u16(ids, vdupq_n_u16(8));
  }
  return out;
}
#endif

template <auto put>
std::size_t release_with(std::span<std::uint64_t> words, std::span<std::uint64_t> summary,
                         std::uint16_t* queue) {
  std::uint16_t* out = queue;
  for (std::size_t s = 0; s < summary.size(); ++s) {
    for (std::uint64_t left = summary[s]; left != 0; left &= left - 1) {
      const std::size_t w = s * 64 + static_cast<std::size_t>(std::countr_zero(left));
      out = put(words[w], static_cast<std::uint32_t>(w * 64), out);
      words[w] = 0;
    }
    summary[s] = 0;
  }
  return static_cast<std::size_t>(out - queue);
}

}  // namespace

std::size_t ReadySet::release(std::span<std::uint16_t> queue) {
  switch (kernel_) {
#if defined(__x86_64__)
    case ReleaseKernel::sse:
      return release_with<put_sse>(words_, summary_, queue.data());
    case ReleaseKernel::avx512:
      return release_with<put_avx512>(words_, summary_, queue.data());
#elif defined(__aarch64__)
    case ReleaseKernel::neon:
      return release_with<put_neon>(words_, summary_, queue.data());
#endif
    default:
      return release_with<put_scalar>(words_, summary_, queue.data());
  }
}

}  // namespace vedette::engine
