// Purpose: the running digest that the engine keeps and the journal stores with every batch.
// A 64-bit multiply-and-fold hash: it detects divergence, it does not resist an adversary
// (signatures do that, off the hot path).
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace vedette {

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
    const std::uint8_t* at = bytes.data();
    std::size_t left = bytes.size();
    mix(static_cast<std::uint64_t>(left));
    if (left >= 64) {
      // Four chains over every fourth word: one by itself waits for each product.
      Digest lanes[4] = {Digest(state_), Digest(state_ + kStep), Digest(state_ ^ kMultiplier),
                         Digest(state_ + kSeed)};
      for (; left >= 32; left -= 32, at += 32) {
        for (std::size_t i = 0; i < 4; ++i) {
          lanes[i].mix(load_le<std::uint64_t>(at + 8 * i));
        }
      }
      for (const Digest& lane : lanes) {
        mix(lane.state_);
      }
    }
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
  static constexpr std::uint64_t kSeed = 0x9E3779B97F4A7C15ULL;
  static constexpr std::uint64_t kMultiplier = 0xD6E8FEB86659FD93ULL;
  static constexpr std::uint64_t kStep = 0xA0761D6478BD642FULL;
  std::uint64_t state_;
};

}  // namespace vedette
