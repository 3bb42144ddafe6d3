// Purpose: arithmetic for distances of a few kilometres, on one place or on four at a time
// (lanes.hpp). It has no branches: the caller checks the bounds, as geo.cpp does for any distance.
#pragma once

#include "base/geo.hpp"
#include "base/math.hpp"

namespace vedette::near {

template <typename T>
struct Angle {
  T degrees, sin, cos;
};
template <typename T>
struct Trigonometry {
  T sin, cos;
};
template <typename T>
struct Way {
  T east, north;  // m
};
template <typename T>
struct Spot {
  T latitude, longitude;  // degrees
};
template <typename T>
struct Vector {
  T x, y, z;
};

inline constexpr double kSemiMajor = 6378137.0;  // WGS 84
inline constexpr double kFlattening = 1.0 / 298.257223563;
inline constexpr double kEccentricity2 = kFlattening * (2.0 - kFlattening);
inline constexpr double kMeridianAtEquator = kSemiMajor * (1.0 - kEccentricity2);
inline constexpr double kMeanMeridian = 6367449.0;
inline constexpr double kDegrees = 180.0 / kPi;  // of a radian
// Floor of cos(latitude), so that east metres stay finite at a pole.
inline constexpr double kCosFloor = 1e-9;
// Square of the greatest angle, rad, at which two terms of the series are exact to 1e-16: 6 km.
inline constexpr double kReach2 = 1e-6;
inline constexpr double kShortWay = 5000.0;  // m

template <typename T>
T radians_from(T degrees, const Angle<T>& known) {
  return (degrees - known.degrees) * kDegree;
}

// Series about a known angle, `d` radians away.
template <typename T>
Trigonometry<T> turned(const Angle<T>& known, T d) {
  const T d2 = d * d;
  const T s = d * (1.0 - d2 * (1.0 / 6.0));
  const T c = d2 * (0.5 - d2 * (1.0 / 24.0));
  return {known.sin + (known.cos * s - known.sin * c), known.cos - (known.sin * s + known.cos * c)};
}

// (1 - x)^(Halves/2) by the binomial series to x^6, for x up to kEccentricity2; truncation error
// below 3e-15. It needs no root and no division, either of which takes as long as the whole series.
template <int kHalves, typename T>
T power_near_one(T x) {
  constexpr auto coefficient = [](int n) {
    double c = 1.0;
    for (int i = 0; i < n; ++i) {
      c *= -(kHalves / 2.0 - i) / (i + 1);
    }
    return c;
  };
  constexpr double c1 = coefficient(1), c2 = coefficient(2), c3 = coefficient(3),
                   c4 = coefficient(4), c5 = coefficient(5), c6 = coefficient(6);
  const T x2 = x * x;
  return (1.0 + c1 * x) + x2 * (c2 + c3 * x) + (x2 * x2) * ((c4 + c5 * x) + x2 * c6);
}

template <typename T>
T flattened(T sine_of_latitude) {
  return kEccentricity2 * sine_of_latitude * sine_of_latitude;
}

// Radii of curvature at one latitude, m, and their reciprocals: along the meridian and across it.
template <typename T>
T meridian_radius(T sine) {
  return kMeridianAtEquator * power_near_one<-3>(flattened(sine));
}
template <typename T>
T prime_vertical_radius(T sine) {
  return kSemiMajor * power_near_one<-1>(flattened(sine));
}
template <typename T>
T meridian_curvature(T sine) {
  return (1.0 / kMeridianAtEquator) * power_near_one<3>(flattened(sine));
}
template <typename T>
T prime_vertical_curvature(T sine) {
  return (1.0 / kSemiMajor) * power_near_one<1>(flattened(sine));
}

// Offset between two places whose longitudes are `east_degrees` apart, from the trigonometry of
// their middle latitude.
template <typename T>
Way<T> way_across(T east_degrees, T north_degrees, const Trigonometry<T>& middle) {
  return {east_degrees * kDegree * middle.cos * prime_vertical_radius(middle.sin),
          north_degrees * kDegree * meridian_radius(middle.sin)};
}

// Middle latitude of a path. The mean radius is accurate enough: it puts the path right to a
// centimetre in five kilometres.
template <typename T>
T middle_latitude(T latitude, T north) {
  return latitude + 0.5 * north * (1.0 / kMeanMeridian) * kDegrees;
}

// Latitude and longitude that a path adds; `cosine` is that of its middle, not below the floor.
template <typename T>
Spot<T> degrees_of(const Way<T>& way, T sine, T cosine) {
  return {way.north * meridian_curvature(sine) * kDegrees,
          way.east * (prime_vertical_curvature(sine) / cosine) * kDegrees};
}

template <typename T>
Vector<T> normal_of(const Trigonometry<T>& latitude, const Trigonometry<T>& longitude) {
  return {latitude.cos * longitude.cos, latitude.cos * longitude.sin, latitude.sin};
}
template <typename T>
Vector<T> ecef_of(const Vector<T>& normal) {
  const T n = prime_vertical_radius(normal.z);
  return {n * normal.x, n * normal.y, n * (1.0 - kEccentricity2) * normal.z};
}

}  // namespace vedette::near
