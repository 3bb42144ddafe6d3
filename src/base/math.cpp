#include "base/math.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/series.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace vedette {
namespace {

double atan_series(double x) {
  const double x2 = x * x;
  double sum = 0.0;
  for (int n = 25; n >= 1; n -= 2) {
    sum = 1.0 / static_cast<double>(n) - x2 * sum;
  }
  return x * sum;
}

// atan for 0 <= x <= 1: reduced about the nearest of tan(0), tan(pi/8), tan(pi/4).
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
  const auto found = series::sincos(radians);
  return {found.sin, found.cos};
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
  // To r^13 on |r| <= ln(2)/2: truncation error below 1e-17. Odd and even powers are summed
  // separately, as in series.hpp.
  constexpr auto term = [](int n) { return series::reciprocal_factorial(n); };
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double even =
      (term(2) + term(4) * r2) + r4 * ((term(6) + term(8) * r2) + r4 * (term(10) + term(12) * r2));
  const double odd =
      (term(3) + term(5) * r2) + r4 * ((term(7) + term(9) * r2) + r4 * (term(11) + term(13) * r2));
  const double sum = 1.0 + (r + r2 * (even + r * odd));
  // Two steps, so that scaling a result near the subnormal range does not overflow midway.
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
