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
constexpr std::size_t kRoundBytes = RoundsDigest::kRoundBytes;
static_assert(kRoundBytes == kChains * kUnitBytes);
// Odd, so that no two units below 2^64 share a key; beyond that any words without a pattern do:
// digits of pi.
constexpr std::uint64_t kStep = 0x243F6A8885A308D3ULL;
constexpr std::uint64_t kKeys[2 * kChains] = {
    0x13198A2E03707344ULL, 0xA4093822299F31D0ULL, 0x082EFA98EC4E6C89ULL, 0x452821E638D01377ULL,
    0xBE5466CF34E90C6CULL, 0xC0AC29B7C97C50DDULL, 0x3F84D5B5B5470917ULL, 0x9216D5D98979FB1BULL};

// Portable version of a unit: two 64-bit words.
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
  // Mixes one unit into this chain: the product of each keyed word's halves, plus the other word.
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

// Four chains, each with the key of its next unit.
template <typename Unit>
struct Chains {
  Unit sums[kChains];
  Unit keys[kChains];

  void round(const std::uint8_t* at) {
    for (std::size_t i = 0; i < kChains; ++i) {
      sums[i] = sums[i].with(Unit::load(at + i * kUnitBytes), keys[i]);
      keys[i] = keys[i].plus(Unit::of(kStep, kStep));
    }
  }

  // Mixes the tail that fills no whole round, and returns the value.
  std::uint64_t finish(const std::uint8_t* at, std::size_t left) {
    std::size_t chain = 0;
    for (; left >= kUnitBytes; left -= kUnitBytes, at += kUnitBytes, ++chain) {
      sums[chain] = sums[chain].with(Unit::load(at), keys[chain]);
    }
    if (left > 0) {
      std::uint8_t last[kUnitBytes] = {};
      std::memcpy(last, at, left);
      sums[chain] = sums[chain].with(Unit::load(last), keys[chain]);
    }
    std::uint64_t words[2 * kChains];
    for (std::size_t i = 0; i < kChains; ++i) {
      sums[i].store(words + 2 * i);
    }
    return folded_up(words);
  }
};

template <typename Unit>
std::uint64_t digest_by(Bytes bytes, std::uint64_t start) {
  Chains<Unit> chains;
  for (std::size_t i = 0; i < kChains; ++i) {
    chains.keys[i] = Unit::of(kKeys[2 * i], kKeys[2 * i + 1]);
    chains.sums[i] = chains.keys[i].plus(Unit::of(start, ~start));
  }
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kRoundBytes; left -= kRoundBytes, at += kRoundBytes) {
    chains.round(at);
  }
  return chains.finish(at, left);
}

#if defined(__x86_64__)
// Two chains in one 256-bit vector. With all four in 512 bits, the action after a digest was 0.1 to
// 0.3 us later (docs/decisions/0003).
struct WideChains {
  __m256i low, high, low_keys, high_keys;

  __attribute__((target("avx2"))) void round(const std::uint8_t* at) {
    const auto* data = reinterpret_cast<const __m256i*>(at);
    low = with(low, _mm256_loadu_si256(data), low_keys);
    high = with(high, _mm256_loadu_si256(data + 1), high_keys);
    const __m256i step = _mm256_set1_epi64x(static_cast<long long>(kStep));
    low_keys = _mm256_add_epi64(low_keys, step);
    high_keys = _mm256_add_epi64(high_keys, step);
  }
  __attribute__((target("avx2"))) static __m256i with(__m256i sums, __m256i data, __m256i keys) {
    const __m256i keyed = _mm256_xor_si256(data, keys);
    const __m256i product = _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32));
    return _mm256_add_epi64(sums, _mm256_add_epi64(product, _mm256_shuffle_epi32(data, 0x4E)));
  }
};

template <typename T>
__m256i* wide(T* words) {
  return reinterpret_cast<__m256i*>(words);
}

__attribute__((target("avx2"))) std::uint64_t digest_by_avx2(Bytes bytes, std::uint64_t start) {
  WideChains w;
  w.low_keys = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kKeys));
  w.high_keys = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kKeys + kChains));
  const auto word = static_cast<long long>(start);
  const __m256i starts = _mm256_set_epi64x(~word, word, ~word, word);
  w.low = _mm256_add_epi64(w.low_keys, starts);
  w.high = _mm256_add_epi64(w.high_keys, starts);
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kRoundBytes; left -= kRoundBytes, at += kRoundBytes) {
    w.round(at);
  }
  Chains<VectorUnit> chains;
  _mm256_storeu_si256(wide(chains.sums), w.low);
  _mm256_storeu_si256(wide(chains.sums + 2), w.high);
  _mm256_storeu_si256(wide(chains.keys), w.low_keys);
  _mm256_storeu_si256(wide(chains.keys + 2), w.high_keys);
  return chains.finish(at, left);
}

using Words = std::uint64_t[RoundsDigest::kWords];

__attribute__((target("avx2"))) void rounds_by_avx2(Bytes bytes, Words& sums, Words& keys) {
  WideChains w{_mm256_load_si256(wide(sums)), _mm256_load_si256(wide(sums + kChains)),
               _mm256_load_si256(wide(keys)), _mm256_load_si256(wide(keys + kChains))};
  for (std::size_t at = 0; at < bytes.size(); at += kRoundBytes) {
    w.round(bytes.data() + at);
  }
  _mm256_store_si256(wide(sums), w.low);
  _mm256_store_si256(wide(sums + kChains), w.high);
  _mm256_store_si256(wide(keys), w.low_keys);
  _mm256_store_si256(wide(keys + kChains), w.high_keys);
}

const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

std::uint64_t digest_of_long(Bytes bytes, std::uint64_t start) {
#if defined(__x86_64__)
  if (kHasAvx2) {
    return digest_by_avx2(bytes, start);
  }
#endif
  return digest_of_long_base(bytes, start);
}

std::uint64_t digest_of_long_base(Bytes bytes, std::uint64_t start) {
  return digest_by<VectorUnit>(bytes, start);
}

RoundsDigest::RoundsDigest(std::uint64_t start) {
  for (std::size_t i = 0; i < kWords; ++i) {
    keys_[i] = kKeys[i];
    sums_[i] = kKeys[i] + (i % 2 == 0 ? start : ~start);
  }
}

void RoundsDigest::mix(Bytes rounds) {
#if defined(__x86_64__)
  if (kHasAvx2) {
    rounds_by_avx2(rounds, sums_, keys_);
    return;
  }
#endif
  Chains<VectorUnit> chains;
  static_assert(sizeof chains == sizeof sums_ + sizeof keys_);
  std::memcpy(chains.sums, sums_, sizeof sums_);
  std::memcpy(chains.keys, keys_, sizeof keys_);
  for (std::size_t at = 0; at < rounds.size(); at += kRoundBytes) {
    chains.round(rounds.data() + at);
  }
  std::memcpy(sums_, chains.sums, sizeof sums_);
  std::memcpy(keys_, chains.keys, sizeof keys_);
}

std::uint64_t RoundsDigest::value() const {
  return folded_up(sums_);
}

std::uint64_t digest_of_long_scalar(Bytes bytes, std::uint64_t start) {
  return digest_by<ScalarUnit>(bytes, start);
}

}  // namespace vedette
