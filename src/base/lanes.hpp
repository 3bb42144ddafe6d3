// Purpose: arithmetic on four doubles at once (SIMD), in vectors of 16 bytes, which every supported
// processor has, or of 32. Each lane gets the same bits as scalar arithmetic, so a function
// template over double and lanes gives the same answer for one as for four.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace vedette {

template <std::size_t kBytes>
struct VectorOf;
template <>
struct VectorOf<16> {
  using Numbers = double __attribute__((vector_size(16)));
  using Bits = long long __attribute__((vector_size(16)));
};
template <>
struct VectorOf<32> {
  using Numbers = double __attribute__((vector_size(32)));
  using Bits = long long __attribute__((vector_size(32)));
};

inline constexpr std::size_t kLanes = 4;

template <std::size_t kBytes>
struct LaneMask {
  using Bits = typename VectorOf<kBytes>::Bits;
  static constexpr std::size_t kEach = kBytes / sizeof(double);
  Bits parts[kLanes / kEach];

  unsigned bits() const {  // bit i: lane i
    unsigned all = 0;
    for (std::size_t i = 0; i < kLanes; ++i) {
      all |= (parts[i / kEach][i % kEach] != 0 ? 1U : 0U) << i;
    }
    return all;
  }
  // With a word: each lane of the mask is ~0 where the relation holds.
  friend LaneMask operator&(LaneMask a, long long word) {
    for (Bits& part : a.parts) {
      part &= word;
    }
    return a;
  }
  friend LaneMask operator^(LaneMask a, long long word) {
    for (Bits& part : a.parts) {
      part ^= word;
    }
    return a;
  }
  friend LaneMask operator&(LaneMask a, LaneMask b) {
    for (std::size_t i = 0; i < kLanes / kEach; ++i) {
      a.parts[i] &= b.parts[i];
    }
    return a;
  }
  friend LaneMask operator|(LaneMask a, LaneMask b) {
    for (std::size_t i = 0; i < kLanes / kEach; ++i) {
      a.parts[i] |= b.parts[i];
    }
    return a;
  }
};

template <std::size_t kBytes>
struct LanesOf {
  using Numbers = typename VectorOf<kBytes>::Numbers;
  using Mask = LaneMask<kBytes>;
  static constexpr std::size_t kEach = kBytes / sizeof(double);
  static constexpr std::size_t kParts = kLanes / kEach;

  Numbers parts[kParts];

  LanesOf() = default;
  LanesOf(double all) {  // NOLINT: any double is four of it
    for (Numbers& part : parts) {
      if constexpr (kEach == 4) {
        part = Numbers{all, all, all, all};
      } else {
        part = Numbers{all, all};
      }
    }
  }
  // Calls of(i) for each lane i.
  template <typename Of>
  static LanesOf of_each(Of&& of) {
    const auto lane = [&](std::size_t i) { return static_cast<double>(of(i)); };
    LanesOf lanes;
    for (std::size_t i = 0; i < kParts; ++i) {
      if constexpr (kEach == 4) {
        lanes.parts[i] = Numbers{lane(4 * i), lane(4 * i + 1), lane(4 * i + 2), lane(4 * i + 3)};
      } else {
        lanes.parts[i] = Numbers{lane(2 * i), lane(2 * i + 1)};
      }
    }
    return lanes;
  }
  double operator[](std::size_t i) const { return parts[i / kEach][i % kEach]; }
  static LanesOf from(const double (&numbers)[kLanes]) {
    LanesOf lanes;
    std::memcpy(lanes.parts, numbers, sizeof numbers);
    return lanes;
  }
  void to(double (&numbers)[kLanes]) const { std::memcpy(numbers, parts, sizeof numbers); }

  template <typename Operation>
  static LanesOf zip(const LanesOf& a, const LanesOf& b, Operation&& operation) {
    LanesOf all;
    for (std::size_t i = 0; i < kParts; ++i) {
      all.parts[i] = operation(a.parts[i], b.parts[i]);
    }
    return all;
  }
  template <typename Relation>
  static Mask compare(const LanesOf& a, const LanesOf& b, Relation&& relation) {
    Mask all;
    for (std::size_t i = 0; i < kParts; ++i) {
      all.parts[i] = std::bit_cast<typename Mask::Bits>(relation(a.parts[i], b.parts[i]));
    }
    return all;
  }

  friend LanesOf operator+(const LanesOf& a, const LanesOf& b) {
    return zip(a, b, [](const Numbers& x, const Numbers& y) { return x + y; });
  }
  friend LanesOf operator-(const LanesOf& a, const LanesOf& b) {
    return zip(a, b, [](const Numbers& x, const Numbers& y) { return x - y; });
  }
  friend LanesOf operator*(const LanesOf& a, const LanesOf& b) {
    return zip(a, b, [](const Numbers& x, const Numbers& y) { return x * y; });
  }
  friend LanesOf operator/(const LanesOf& a, const LanesOf& b) {
    return zip(a, b, [](const Numbers& x, const Numbers& y) { return x / y; });
  }
  friend LanesOf operator-(const LanesOf& a) {
    return zip(a, a, [](const Numbers& x, const Numbers&) { return -x; });
  }
  friend Mask operator<(const LanesOf& a, const LanesOf& b) {
    return compare(a, b, [](const Numbers& x, const Numbers& y) { return x < y; });
  }
  friend Mask operator<=(const LanesOf& a, const LanesOf& b) {
    return compare(a, b, [](const Numbers& x, const Numbers& y) { return x <= y; });
  }
  friend Mask operator!=(const LanesOf& a, const LanesOf& b) {
    return compare(a, b, [](const Numbers& x, const Numbers& y) { return x != y; });
  }
  LanesOf& operator+=(const LanesOf& b) { return *this = *this + b; }
  LanesOf& operator-=(const LanesOf& b) { return *this = *this - b; }
  LanesOf& operator*=(const LanesOf& b) { return *this = *this * b; }

  // Selects per lane: a where the mask is set, else b.
  friend LanesOf where(const Mask& mask, const LanesOf& a, const LanesOf& b) {
    LanesOf all;
    for (std::size_t i = 0; i < kParts; ++i) {
      all.parts[i] = mask.parts[i] ? a.parts[i] : b.parts[i];
    }
    return all;
  }
  // Lanes whose bit pattern has any of these bits set.
  friend Mask has_bits(const LanesOf& a, long long bits) {
    Mask all;
    for (std::size_t i = 0; i < kParts; ++i) {
      all.parts[i] = std::bit_cast<typename Mask::Bits>(
          (std::bit_cast<typename Mask::Bits>(a.parts[i]) & bits) != 0);
    }
    return all;
  }
  friend LanesOf square_root(const LanesOf& a) {
    return of_each([&](std::size_t i) { return std::sqrt(a[i]); });
  }
};

inline double where(bool first, double a, double b) {
  return first ? a : b;
}
inline bool has_bits(double a, long long bits) {
  return (std::bit_cast<long long>(a) & bits) != 0;
}

}  // namespace vedette
