// Purpose: positions on the WGS 84 ellipsoid (NIMA TR8350.2) in the engine's deterministic
// arithmetic.
#pragma once

#include "base/math.hpp"

namespace vedette {

struct Vector3 {
  double x, y, z;
};

inline double dot(const Vector3& a, const Vector3& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

struct Place {
  double latitude;   // degrees, [-90, 90]
  double longitude;  // degrees
};

// Unit vector along the ellipsoid's normal.
Vector3 normal_of(Place place);
// Earth-centred Earth-fixed, metres, height 0; of a place, or of the normal there.
Vector3 ecef_of(const Vector3& normal);
Vector3 ecef_of(Place place);

// An angle with its sine and cosine, so that angles within a few degrees of it are cheap.
struct KnownAngle {
  double degrees;
  double sin, cos;
};
KnownAngle known_angle(double degrees);
SinCos sincos_near(double degrees, const KnownAngle& near);

using Parallel = KnownAngle;
inline Parallel parallel_at(double latitude_degrees) {
  return known_angle(latitude_degrees);
}

// Place reached by going `east` and `north` metres on a constant course (middle latitude); within 1
// m for 100 km below 80 degrees. Latitude stops at a pole. `near` is any parallel: the answer is
// the same to a micrometre, and a close one is fastest.
Place moved(Place from, double east, double north, const Parallel& near);
inline Place moved(Place from, double east, double north) {
  return moved(from, east, north, parallel_at(from.latitude));
}

struct Offset {
  double east, north;  // m
};
// Inverse of moved().
Offset offset_between(Place from, Place to, const Parallel& near);

// Straight-line distance through ECEF: 4 cm short of the surface distance at 20 km.
double chord_distance(const Vector3& a, const Vector3& b);

// Initial course from one place to another, degrees true [0, 360).
double bearing_between(Place from, Place to);

struct Motion {
  Place place;
  double velocity_east, velocity_north;  // m/s, constant course
};
struct Approach {
  double cpa;   // m, least distance from now on
  double tcpa;  // s from now, 0 when already moving apart
};
// Closest point of approach of two constant-course motions, within 1 m and 1 s up to 50 km and one
// hour ahead; looks no further ahead than `horizon_s`.
Approach closest_approach(const Motion& a, const Motion& b, double horizon_s, const Parallel& near);
inline Approach closest_approach(const Motion& a, const Motion& b, double horizon_s) {
  return closest_approach(a, b, horizon_s, parallel_at(a.place.latitude));
}

}  // namespace vedette
