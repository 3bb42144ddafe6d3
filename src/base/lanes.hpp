// Purpose: four doubles worked side by side. Each lane gets the bits that the same arithmetic on
// one double gives, so a function template over double and Lanes answers the same for one as for
// four.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>

namespace vedette {

struct Lanes {
  static constexpr std::size_t kCount = 4;
  using Pair = double __attribute__((vector_size(16)));  // what every supported processor has

  Pair low, high;

  Lanes() = default;
  Lanes(Pair a, Pair b) : low(a), high(b) {}
  Lanes(double all) : low{all, all}, high{all, all} {}  // NOLINT: any double is four of it
  // of(i) in lane i.
  template <typename Of>
  static Lanes of_each(Of&& of) {
    return {Pair{of(std::size_t{0}), of(std::size_t{1})},
            Pair{of(std::size_t{2}), of(std::size_t{3})}};
  }
  double operator[](std::size_t i) const { return i < 2 ? low[i] : high[i - 2]; }

  friend Lanes operator+(Lanes a, Lanes b) { return {a.low + b.low, a.high + b.high}; }
  friend Lanes operator-(Lanes a, Lanes b) { return {a.low - b.low, a.high - b.high}; }
  friend Lanes operator*(Lanes a, Lanes b) { return {a.low * b.low, a.high * b.high}; }
  friend Lanes operator/(Lanes a, Lanes b) { return {a.low / b.low, a.high / b.high}; }
  friend Lanes operator-(Lanes a) { return {-a.low, -a.high}; }
  Lanes& operator+=(Lanes b) { return *this = *this + b; }
  Lanes& operator-=(Lanes b) { return *this = *this - b; }
  Lanes& operator*=(Lanes b) { return *this = *this * b; }
};

inline Lanes square_root(Lanes a) {
  return Lanes::of_each([&](std::size_t i) { return std::sqrt(a[i]); });
}

struct LaneMask {
  using Pair = long long __attribute__((vector_size(16)));
  Pair low, high;

  unsigned bits() const {  // bit i: lane i
    return (low[0] != 0 ? 1U : 0U) | (low[1] != 0 ? 2U : 0U) | (high[0] != 0 ? 4U : 0U) |
           (high[1] != 0 ? 8U : 0U);
  }
  friend LaneMask operator&(LaneMask a, LaneMask b) { return {a.low & b.low, a.high & b.high}; }
  friend LaneMask operator|(LaneMask a, LaneMask b) { return {a.low | b.low, a.high | b.high}; }
};
inline LaneMask operator<(Lanes a, Lanes b) {
  return {a.low < b.low, a.high < b.high};
}
inline LaneMask operator<=(Lanes a, Lanes b) {
  return {a.low <= b.low, a.high <= b.high};
}
inline LaneMask operator!=(Lanes a, Lanes b) {
  return {a.low != b.low, a.high != b.high};
}
// Lane by lane the one or the other.
inline Lanes where(LaneMask mask, Lanes a, Lanes b) {
  return {mask.low ? a.low : b.low, mask.high ? a.high : b.high};
}
inline double where(bool first, double a, double b) {
  return first ? a : b;
}
// Whether any of these bits is set in the pattern of the number.
inline LaneMask has_bits(Lanes a, long long bits) {
  return {(std::bit_cast<LaneMask::Pair>(a.low) & bits) != 0,
          (std::bit_cast<LaneMask::Pair>(a.high) & bits) != 0};
}
inline bool has_bits(double a, long long bits) {
  return (std::bit_cast<long long>(a) & bits) != 0;
}

}  // namespace vedette
