// Purpose: sine and cosine by their series, for one angle or for four at a time (lanes.hpp).
#pragma once

#include "base/lanes.hpp"
#include "base/math.hpp"

namespace vedette::series {

// Taylor coefficients 1 / n!, with the term's sign.
constexpr double reciprocal_factorial(int n) {
  double product = 1.0;
  for (int i = 2; i <= n; ++i) {
    product *= static_cast<double>(i);
  }
  return 1.0 / product;
}
template <int n>
constexpr double kTerm = (n / 2 % 2 == 0 ? 1.0 : -1.0) * reciprocal_factorial(n);

// Four terms of the series, every fourth power from the n-th, without the first power.
template <int n, typename T>
T every_fourth(T x4) {
  return ((kTerm<n + 12> * x4 + kTerm<n + 8>)*x4 + kTerm<n + 4>)*x4 + kTerm<n>;
}

// To x^17 and x^18: truncation error below 1e-19 on |x| <= pi/4. Odd and even powers of x^2 are
// summed separately, so that the processor overlaps both; the order stays fixed.
template <typename T>
T sin_series(T x) {
  const T x2 = x * x;
  const T x4 = x2 * x2;
  return x + x * x2 * (every_fourth<3>(x4) + x2 * every_fourth<5>(x4));
}

template <typename T>
T cos_series(T x) {
  const T x2 = x * x;
  const T x4 = x2 * x2;
  // The rounding error of 1 - x^2/2 joins the small terms; the large one is added last.
  const T half = 0.5 * x2;
  const T one = 1.0 - half;
  return one + (((1.0 - one) - half) + x4 * (every_fourth<4>(x4) + x2 * every_fourth<6>(x4)));
}

// pi/2 in three parts: the first two have 33 significant bits, so k * part is exact for |k| < 2^20.
inline constexpr double kHalfPiA = 1.57079632673412561417e+00;
inline constexpr double kHalfPiB = 6.07710050630396597660e-11;
inline constexpr double kHalfPiC = 2.02226624879595063154e-21;

template <typename T>
struct SinCosOf {
  T sin, cos;
};

// |radians| <= 1e6. Reduces to the nearest quarter turn: adding 1.5 * 2^52 leaves its number in the
// last bits. The series does the rest.
template <typename T>
SinCosOf<T> sincos(T radians) {
  constexpr double kWhole = 6755399441055744.0;
  const T shifted = radians * (2.0 / kPi) + kWhole;
  const T quarters = shifted - kWhole;
  const T x = ((radians - quarters * kHalfPiA) - quarters * kHalfPiB) - quarters * kHalfPiC;
  const T s = sin_series(x);
  const T c = cos_series(x);
  const auto odd = has_bits(shifted, 1);
  const T sine = where(odd, c, s);
  const T cosine = where(odd, s, c);
  return {where(has_bits(shifted, 2), -sine, sine),
          where(has_bits(shifted + 1.0, 2), -cosine, cosine)};
}

}  // namespace vedette::series
