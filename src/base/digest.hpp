// Purpose: the running digest that the engine keeps and the journal stores with every batch.
// A 64-bit multiply-and-fold hash: it detects divergence but does not resist an adversary;
// signatures do that, off the hot path.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/bytes.hpp"

namespace vedette {

// For long inputs, sixteen bytes at a time: sums of 32-bit products in four chains, with a key for
// each position. Vector and scalar code give the same value.
std::uint64_t digest_of_long(Bytes bytes, std::uint64_t start);
std::uint64_t digest_of_long_scalar(Bytes bytes, std::uint64_t start);
// Uses only the vectors that every supported processor has.
std::uint64_t digest_of_long_base(Bytes bytes, std::uint64_t start);

// Gives digest_of_long() of the pieces' concatenation, without paying for a start and an end with
// each piece. Every piece is a whole number of rounds.
class RoundsDigest {
 public:
  static constexpr std::size_t kRoundBytes = 64;
  static constexpr std::size_t kWords = kRoundBytes / 8;

  explicit RoundsDigest(std::uint64_t start = 0);
  void mix(Bytes rounds);  // a multiple of kRoundBytes
  std::uint64_t value() const;

 private:
  alignas(32) std::uint64_t sums_[kWords];
  alignas(32) std::uint64_t keys_[kWords];
};

// Of many words that stand in a fixed order: each has a multiplication of its own, so that none
// waits for the one before. A word's place is part of its key.
class WordsDigest {
 public:
  void mix(std::uint64_t word) {
    key_ += kStep;
    const auto product = static_cast<unsigned __int128>(word ^ key_) * (key_ | 1);
    sum_ += static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t value() const { return sum_; }

 private:
  static constexpr std::uint64_t kStep = 0xD1342543DE82EF95ULL;
  std::uint64_t key_ = 0x9E3779B97F4A7C15ULL;
  std::uint64_t sum_ = 0;
};

class Digest {
 public:
  explicit Digest(std::uint64_t start = 0) : state_(start) {}

  void mix(std::uint64_t word) {
    // 128-bit product folded to 64: every input bit reaches every output bit.
    const auto product = static_cast<unsigned __int128>(state_ ^ word ^ kSeed) * kMultiplier;
    state_ = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^
             (word + kStep);
  }

  void mix(Bytes bytes) {
    mix(static_cast<std::uint64_t>(bytes.size()));
    if (bytes.size() >= kLongBytes) {
      mix(digest_of_long(bytes, state_));
      return;
    }
    const std::uint8_t* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
      mix(load_le<std::uint64_t>(at));
    }
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < left; ++i) {
      last |= static_cast<std::uint64_t>(at[i]) << (8 * i);
    }
    if (left > 0) {
      mix(last);
    }
  }

  std::uint64_t value() const { return state_; }

 private:
  static constexpr std::size_t kLongBytes = 64;  // shortest input for which vectors pay off
  static constexpr std::uint64_t kSeed = 0x9E3779B97F4A7C15ULL;
  static constexpr std::uint64_t kMultiplier = 0xD6E8FEB86659FD93ULL;
  static constexpr std::uint64_t kStep = 0xA0761D6478BD642FULL;
  std::uint64_t state_;
};

// Of slices of a state (model/stage.hpp), and how many bytes they had.
class SliceDigest {
 public:
  // `value` has no padding.
  template <typename T>
  void mix(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    mix(bytes_of(value));
  }
  void mix(Bytes bytes) {
    digest_.mix(bytes);
    bytes_ += bytes.size();
  }
  std::size_t bytes() const { return bytes_; }
  std::uint64_t value() const { return digest_.value(); }

 private:
  Digest digest_;
  std::size_t bytes_ = 0;
};

}  // namespace vedette
