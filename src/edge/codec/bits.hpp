// Purpose: most-significant-bit-first fields of a packed message (ITU-R M.1371, Mode S).
// A read beyond the end gives zero bits, so a caller that checked the length never reads outside.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace vedette::codec {

class Bits {
 public:
  Bits(Bytes bytes, std::size_t count) : bytes_(bytes), count_(count) {}

  std::size_t size() const { return count_; }

  // `length` is 1..32.
  std::uint32_t get(std::size_t start, std::size_t length) const {
    if (start + length <= count_ && start / 8 + 8 <= bytes_.size()) {
      const std::uint64_t word = load_be<std::uint64_t>(bytes_.data() + start / 8);
      return static_cast<std::uint32_t>(word << start % 8 >> (64 - length));
    }
    std::uint32_t value = 0;
    for (std::size_t i = start; i < start + length; ++i) {
      const std::uint32_t bit = i < count_ && i / 8 < bytes_.size()
                                    ? static_cast<std::uint32_t>(bytes_[i / 8] >> (7 - i % 8) & 1)
                                    : 0U;
      value = value << 1 | bit;
    }
    return value;
  }
  std::int32_t get_signed(std::size_t start, std::size_t length) const {
    const std::uint32_t value = get(start, length);
    const std::uint32_t sign = 1U << (length - 1);
    return static_cast<std::int32_t>(value ^ sign) - static_cast<std::int32_t>(sign);
  }
  bool flag(std::size_t at) const { return get(at, 1) != 0; }

 private:
  Bytes bytes_;
  std::size_t count_;
};

}  // namespace vedette::codec
