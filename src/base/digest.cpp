#include "base/digest.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace vedette {
namespace {

constexpr std::size_t kUnitBytes = 16;
constexpr std::size_t kChains = 4;
// Odd, so that no two units of less than 2^64 have the same key; otherwise any words without
// pattern: digits of pi.
constexpr std::uint64_t kStep = 0x243F6A8885A308D3ULL;
constexpr std::uint64_t kKeys[2 * kChains] = {
    0x13198A2E03707344ULL, 0xA4093822299F31D0ULL, 0x082EFA98EC4E6C89ULL, 0x452821E638D01377ULL,
    0xBE5466CF34E90C6CULL, 0xC0AC29B7C97C50DDULL, 0x3F84D5B5B5470917ULL, 0x9216D5D98979FB1BULL};

// Two words side by side.
struct ScalarUnit {
  std::uint64_t words[2];

  static ScalarUnit load(const std::uint8_t* at) {
    return {{load_le<std::uint64_t>(at), load_le<std::uint64_t>(at + 8)}};
  }
  static ScalarUnit of(std::uint64_t a, std::uint64_t b) { return {{a, b}}; }
  void store(std::uint64_t* out) const {
    out[0] = words[0];
    out[1] = words[1];
  }
  // This chain with one unit under its key: the halves' product of each word, and the other word.
  ScalarUnit with(const ScalarUnit& data, const ScalarUnit& key) const {
    const std::uint64_t a = data.words[0] ^ key.words[0];
    const std::uint64_t b = data.words[1] ^ key.words[1];
    return {{words[0] + (a & 0xFFFFFFFF) * (a >> 32) + data.words[1],
             words[1] + (b & 0xFFFFFFFF) * (b >> 32) + data.words[0]}};
  }
  ScalarUnit plus(const ScalarUnit& o) const {
    return {{words[0] + o.words[0], words[1] + o.words[1]}};
  }
};

#if defined(__x86_64__)
struct VectorUnit {
  __m128i words;

  static VectorUnit load(const std::uint8_t* at) {
    return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))};
  }
  static VectorUnit of(std::uint64_t a, std::uint64_t b) {
    return {_mm_set_epi64x(static_cast<long long>(b), static_cast<long long>(a))};
  }
  void store(std::uint64_t* out) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(out), words); }
  VectorUnit with(const VectorUnit& data, const VectorUnit& key) const {
    const __m128i keyed = _mm_xor_si128(data.words, key.words);
    const __m128i product = _mm_mul_epu32(keyed, _mm_srli_epi64(keyed, 32));
    const __m128i other = _mm_shuffle_epi32(data.words, 0x4E);
    return {_mm_add_epi64(words, _mm_add_epi64(product, other))};
  }
  VectorUnit plus(const VectorUnit& o) const { return {_mm_add_epi64(words, o.words)}; }
};
#elif defined(__aarch64__)
struct VectorUnit {
  uint64x2_t words;

  static VectorUnit load(const std::uint8_t* at) { return {vreinterpretq_u64_u8(vld1q_u8(at))}; }
  static VectorUnit of(std::uint64_t a, std::uint64_t b) {
    return {vcombine_u64(vcreate_u64(a), vcreate_u64(b))};
  }
  void store(std::uint64_t* out) const { vst1q_u64(out, words); }
  VectorUnit with(const VectorUnit& data, const VectorUnit& key) const {
    const uint64x2_t keyed = veorq_u64(data.words, key.words);
    const uint64x2_t sum = vmlal_u32(words, vmovn_u64(keyed), vshrn_n_u64(keyed, 32));
    return {vaddq_u64(sum, vextq_u64(data.words, data.words, 1))};
  }
  VectorUnit plus(const VectorUnit& o) const { return {vaddq_u64(words, o.words)}; }
};
#else
using VectorUnit = ScalarUnit;
#endif

std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t folded_up(const std::uint64_t (&words)[2 * kChains]) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kChains; ++i) {
    sum += folded(words[2 * i] ^ kKeys[2 * kChains - 1 - i], words[2 * i + 1] ^ kKeys[i]);
  }
  return sum;
}

template <typename Unit>
std::uint64_t digest_by(Bytes bytes, std::uint64_t start) {
  Unit chains[kChains];
  Unit keys[kChains];
  for (std::size_t i = 0; i < kChains; ++i) {
    keys[i] = Unit::of(kKeys[2 * i], kKeys[2 * i + 1]);
    chains[i] = keys[i].plus(Unit::of(start, ~start));
  }
  const Unit step = Unit::of(kStep, kStep);
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kChains * kUnitBytes; left -= kChains * kUnitBytes, at += kChains * kUnitBytes) {
    for (std::size_t i = 0; i < kChains; ++i) {
      chains[i] = chains[i].with(Unit::load(at + i * kUnitBytes), keys[i]);
      keys[i] = keys[i].plus(step);
    }
  }
  std::size_t chain = 0;
  for (; left >= kUnitBytes; left -= kUnitBytes, at += kUnitBytes, ++chain) {
    chains[chain] = chains[chain].with(Unit::load(at), keys[chain]);
  }
  if (left > 0) {
    std::uint8_t last[kUnitBytes] = {};
    std::memcpy(last, at, left);
    chains[chain] = chains[chain].with(Unit::load(last), keys[chain]);
  }
  std::uint64_t words[2 * kChains];
  for (std::size_t i = 0; i < kChains; ++i) {
    chains[i].store(words + 2 * i);
  }
  return folded_up(words);
}

#if defined(__x86_64__)
// All four chains in one vector. (GCC 12 takes the intrinsics without a mask for uses of something
// that was not set, PR105593.)
__attribute__((target("avx512f,avx512bw"))) inline __m512i what_is_added(__m512i data,
                                                                         __m512i keys) {
  const __m512i keyed = _mm512_xor_si512(data, keys);
  const __m512i product =
      _mm512_maskz_mul_epu32(0xFF, keyed, _mm512_maskz_srli_epi64(0xFF, keyed, 32));
  return _mm512_add_epi64(product, _mm512_maskz_shuffle_epi32(0xFFFF, data, _MM_PERM_BADC));
}

__attribute__((target("avx512f,avx512bw"))) std::uint64_t digest_by_avx512(Bytes bytes,
                                                                           std::uint64_t start) {
  __m512i keys = _mm512_loadu_si512(kKeys);
  const __m512i starts = _mm512_set1_epi64(static_cast<long long>(start));
  __m512i chains =
      _mm512_add_epi64(keys, _mm512_mask_xor_epi64(starts, 0xAA, starts, _mm512_set1_epi64(-1)));
  const __m512i step = _mm512_set1_epi64(static_cast<long long>(kStep));
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 64; left -= 64, at += 64) {
    chains = _mm512_add_epi64(chains, what_is_added(_mm512_loadu_si512(at), keys));
    keys = _mm512_add_epi64(keys, step);
  }
  if (left > 0) {
    const __m512i data = _mm512_maskz_loadu_epi8((std::uint64_t{1} << left) - 1, at);
    // Units that nothing is left for keep their sums.
    const auto units = static_cast<__mmask8>((1U << (left + 15) / 16 * 2) - 1);
    chains = _mm512_mask_add_epi64(chains, units, chains, what_is_added(data, keys));
  }
  std::uint64_t words[2 * kChains];
  _mm512_storeu_si512(words, chains);
  return folded_up(words);
}

const bool kHasAvx512 =
    __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
#endif

}  // namespace

std::uint64_t digest_of_long(Bytes bytes, std::uint64_t start) {
#if defined(__x86_64__)
  if (kHasAvx512) {
    return digest_by_avx512(bytes, start);
  }
#endif
  return digest_of_long_base(bytes, start);
}

std::uint64_t digest_of_long_base(Bytes bytes, std::uint64_t start) {
  return digest_by<VectorUnit>(bytes, start);
}

std::uint64_t digest_of_long_scalar(Bytes bytes, std::uint64_t start) {
  return digest_by<ScalarUnit>(bytes, start);
}

}  // namespace vedette
