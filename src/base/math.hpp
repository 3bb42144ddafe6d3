// Purpose: elementary functions that give the same bits on every CPU, for all that feeds the
// digest. libm's answers differ between machines; these use only + - * / and sqrt, in a fixed
// order, and are compiled with -ffp-contract=off. Accuracy: within 2 ulp or 1e-15 absolute on the
// stated ranges.
#pragma once

#include <cstdint>

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
double det_sqrt(double x);             // IEEE exact; canonical NaN below 0

// Degrees brought into [0, 360) and [-180, 180).
double wrap_360(double degrees);
double wrap_180(double degrees);

// The one NaN pattern that may be stored or hashed.
double canonical(double value);

// Conversions that are defined for every input: NaN gives 0, out of range saturates.
std::int32_t to_int32(double value);
std::int64_t to_int64(double value);
std::uint32_t to_uint32(double value);

// x87/SSE/FPCR set to round-to-nearest, no flush to zero; false if the thread's state was
// otherwise.
void set_float_environment();
bool float_environment_ok();

}  // namespace vedette
