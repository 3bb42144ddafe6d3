// Purpose: elementary functions with the same bits on every CPU, for everything that feeds the
// digest. libm differs between machines; these use only + - * / and sqrt in a fixed order, compiled
// with -ffp-contract=off. Accuracy: within 2 ulp or 1e-15 absolute on the stated ranges.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace vedette {

inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kDegree = kPi / 180.0;

struct SinCos {
  double sin;
  double cos;
};

SinCos det_sincos(double radians);     // |radians| <= 1e6
double det_atan2(double y, double x);  // (-pi, pi]; atan2(0, 0) = 0
double det_exp(double x);              // 0 below -745, +inf above 709.78
double det_log(double x);              // x > 0; -inf at 0; canonical NaN below

// The only NaN pattern that may be stored or hashed.
inline double canonical(double value) {
  return value != value ? std::bit_cast<double>(0x7FF8000000000000ULL) : value;
}

// Exact by IEEE 754; canonical NaN below 0.
inline double det_sqrt(double x) {
  return x >= 0.0 ? std::sqrt(x) : canonical(std::numeric_limits<double>::quiet_NaN());
}

// The adjacent double above; x is not NaN.
inline double next_above(double x) {
  if (x == std::numeric_limits<double>::infinity()) {
    return x;
  }
  if (x == 0.0) {
    return std::numeric_limits<double>::denorm_min();
  }
  return std::bit_cast<double>(std::bit_cast<std::int64_t>(x) + (x > 0.0 ? 1 : -1));
}
inline double next_below(double x) {
  return -next_above(-x);
}

// Conversions defined for every input: NaN gives 0, out of range saturates.
template <typename T>
inline T saturated(double value) {
  if (value != value) {
    return 0;
  }
  constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
  constexpr double kHigh = static_cast<double>(std::numeric_limits<T>::max());
  if (value <= kLow) {
    return std::numeric_limits<T>::min();
  }
  if (value >= kHigh) {
    return std::numeric_limits<T>::max();
  }
  return static_cast<T>(value);
}
inline std::int32_t to_int32(double value) {
  return saturated<std::int32_t>(value);
}
inline std::int64_t to_int64(double value) {
  return saturated<std::int64_t>(value);
}
inline std::uint32_t to_uint32(double value) {
  return saturated<std::uint32_t>(value);
}

// Saturating sum of times and durations in ns, because one of them may come from outside.
constexpr std::int64_t add_ns(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return !__builtin_add_overflow(a, b, &sum) ? sum : a < 0 ? INT64_MIN : INT64_MAX;
}
constexpr std::int64_t sub_ns(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  return !__builtin_sub_overflow(a, b, &difference) ? difference : a < 0 ? INT64_MIN : INT64_MAX;
}

// Normalises degrees to [0, 360) and to [-180, 180).
double wrap_360_far(double degrees);  // of any size
inline double wrap_360(double degrees) {
  return degrees >= 0.0 && degrees < 360.0 ? degrees : wrap_360_far(degrees);
}
inline double wrap_180(double degrees) {
  return degrees >= -180.0 && degrees < 180.0 ? degrees : wrap_360(degrees + 180.0) - 180.0;
}

// Sets x87/SSE/FPCR to round to nearest without flush to zero; false if the thread's state
// differed.
void set_float_environment();
bool float_environment_ok();

}  // namespace vedette
