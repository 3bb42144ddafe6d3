#include "base/math.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace vedette {
namespace {

// pi/2 in three parts: the first two have 33 significant bits, so k * part is exact for |k| < 2^20.
constexpr double kHalfPiA = 1.57079632673412561417e+00;
constexpr double kHalfPiB = 6.07710050630396597660e-11;
constexpr double kHalfPiC = 2.02226624879595063154e-21;

// Taylor coefficients 1 / n!, the sign of the series' term in front.
constexpr double reciprocal_factorial(int n) {
  double product = 1.0;
  for (int i = 2; i <= n; ++i) {
    product *= static_cast<double>(i);
  }
  return 1.0 / product;
}
template <int n>
constexpr double kTerm = (n / 2 % 2 == 0 ? 1.0 : -1.0) * reciprocal_factorial(n);

// To x^17 and x^18: the first term left out is below 1e-19 on |x| <= pi/4. Odd and even powers of
// x^2 are summed apart, so that the processor does both at once; the order is fixed all the same.
double sin_series(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double a = ((kTerm<15> * x4 + kTerm<11>)*x4 + kTerm<7>)*x4 + kTerm<3>;
  const double b = ((kTerm<17> * x4 + kTerm<13>)*x4 + kTerm<9>)*x4 + kTerm<5>;
  return x + x * x2 * (a + x2 * b);
}

double cos_series(double x) {
  const double x2 = x * x;
  const double x4 = x2 * x2;
  const double a = ((kTerm<16> * x4 + kTerm<12>)*x4 + kTerm<8>)*x4 + kTerm<4>;
  const double b = ((kTerm<18> * x4 + kTerm<14>)*x4 + kTerm<10>)*x4 + kTerm<6>;
  // 1 - x^2/2 loses nothing that the rest could not hold: it is added last.
  const double half = 0.5 * x2;
  const double one = 1.0 - half;
  return one + (((1.0 - one) - half) + x4 * (a + x2 * b));
}

constexpr std::array kExpTerms{reciprocal_factorial(12),
                               reciprocal_factorial(11),
                               reciprocal_factorial(10),
                               reciprocal_factorial(9),
                               reciprocal_factorial(8),
                               reciprocal_factorial(7),
                               reciprocal_factorial(6),
                               reciprocal_factorial(5),
                               reciprocal_factorial(4),
                               reciprocal_factorial(3),
                               0.5,
                               1.0,
                               1.0};

double atan_series(double x) {
  const double x2 = x * x;
  double sum = 0.0;
  for (int n = 25; n >= 1; n -= 2) {
    sum = 1.0 / static_cast<double>(n) - x2 * sum;
  }
  return x * sum;
}

// atan of 0 <= x <= 1: reduced about the nearest of tan(0), tan(pi/8), tan(pi/4).
double atan_unit(double x) {
  constexpr double kTanPi8 = 0.41421356237309504880;
  if (x < 0.19891236737965800691) {
    return atan_series(x);
  }
  if (x < 0.66817863791929891999) {
    return kPi / 8.0 + atan_series((x - kTanPi8) / (1.0 + x * kTanPi8));
  }
  return kPi / 4.0 + atan_series((x - 1.0) / (1.0 + x));
}

}  // namespace

SinCos det_sincos(double radians) {
  if (!(radians >= -1e6 && radians <= 1e6)) {
    const double nan = canonical(std::numeric_limits<double>::quiet_NaN());
    return {nan, nan};
  }
  const double turns = radians * (2.0 / kPi);
  const auto k = static_cast<std::int64_t>(turns + (turns >= 0.0 ? 0.5 : -0.5));
  const auto kd = static_cast<double>(k);
  const double x = ((radians - kd * kHalfPiA) - kd * kHalfPiB) - kd * kHalfPiC;
  const double s = sin_series(x);
  const double c = cos_series(x);
  switch (k & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

double det_atan2(double y, double x) {
  if (x != x || y != y) {
    return canonical(x + y);
  }
  const double ax = x < 0.0 ? -x : x;
  const double ay = y < 0.0 ? -y : y;
  if (ax == 0.0 && ay == 0.0) {
    return 0.0;
  }
  double angle = ax >= ay ? atan_unit(ay / ax) : kPi / 2.0 - atan_unit(ax / ay);
  if (x < 0.0) {
    angle = kPi - angle;
  }
  return y < 0.0 ? -angle : angle;
}

double det_exp(double x) {
  if (x != x) {
    return canonical(x);
  }
  if (x > 709.78) {
    return std::numeric_limits<double>::infinity();
  }
  if (x < -745.0) {
    return 0.0;
  }
  constexpr double kLn2Hi = 6.93147180369123816490e-01;
  constexpr double kLn2Lo = 1.90821492927058770002e-10;
  const double scaled = x * 1.44269504088896340736;
  const auto k = static_cast<std::int64_t>(scaled + (scaled >= 0.0 ? 0.5 : -0.5));
  const auto kd = static_cast<double>(k);
  const double r = (x - kd * kLn2Hi) - kd * kLn2Lo;
  // To r^13 on |r| <= ln(2)/2: the first term left out is below 1e-17.
  double sum = reciprocal_factorial(13);
  for (const double term : kExpTerms) {
    sum = term + r * sum;
  }
  // Two halves, so that results near the subnormal range are scaled without overflow on the way.
  const std::int64_t half = k / 2;
  const double first = std::bit_cast<double>(static_cast<std::uint64_t>(1023 + half) << 52);
  const double second = std::bit_cast<double>(static_cast<std::uint64_t>(1023 + k - half) << 52);
  return sum * first * second;
}

double det_log(double x) {
  if (x == 0.0) {
    return -std::numeric_limits<double>::infinity();
  }
  if (!(x > 0.0)) {
    return canonical(std::numeric_limits<double>::quiet_NaN());
  }
  if (x == std::numeric_limits<double>::infinity()) {
    return x;
  }
  double scale = 0.0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984.0;  // 2^54 lifts a subnormal into the normal range
    scale = -54.0;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  double exponent = static_cast<double>(static_cast<std::int64_t>(bits >> 52) - 1023) + scale;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    exponent += 1.0;
  }
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  double sum = 0.0;
  for (int n = 23; n >= 1; n -= 2) {
    sum = 1.0 / static_cast<double>(n) + s2 * sum;
  }
  constexpr double kLn2Hi = 6.93147180369123816490e-01;
  constexpr double kLn2Lo = 1.90821492927058770002e-10;
  return exponent * kLn2Hi + (2.0 * s * sum + exponent * kLn2Lo);
}

double wrap_360_far(double degrees) {
  const double turns = static_cast<double>(to_int64(degrees / 360.0));
  double wrapped = degrees - turns * 360.0;
  if (wrapped < 0.0) {
    wrapped += 360.0;
  }
  return wrapped >= 360.0 ? 0.0 : wrapped;
}

#if defined(__x86_64__)
void set_float_environment() {
  _mm_setcsr(0x1F80);
}
bool float_environment_ok() {
  return (_mm_getcsr() & 0xFFC0U) == 0x1F80U;
}
#elif defined(__aarch64__)
void set_float_environment() {
  asm volatile("msr fpcr, %0" ::"r"(0UL));
}
bool float_environment_ok() {
  std::uint64_t fpcr;
  asm volatile("mrs %0, fpcr" : "=r"(fpcr));
  return fpcr == 0;
}
#endif

}  // namespace vedette
