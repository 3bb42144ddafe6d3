#include "base/geo.hpp"

#include "base/math.hpp"

namespace vedette {
namespace {

constexpr double kSemiMajor = 6378137.0;
constexpr double kFlattening = 1.0 / 298.257223563;
constexpr double kEccentricity2 = kFlattening * (2.0 - kFlattening);
// cos(latitude) is not let below this, so that east metres stay finite at a pole.
constexpr double kCosFloor = 1e-9;

constexpr double kMeanMeridian = 6367449.0;
constexpr double kShortWay = 5000.0;  // m

struct Frame {
  Vector3 east, north, ecef;
};

Frame frame_at(Place place) {
  const SinCos lat = det_sincos(place.latitude * kDegree);
  const SinCos lon = det_sincos(place.longitude * kDegree);
  const double n = kSemiMajor / det_sqrt(1.0 - kEccentricity2 * lat.sin * lat.sin);
  return {{-lon.sin, lon.cos, 0.0},
          {-lat.sin * lon.cos, -lat.sin * lon.sin, lat.cos},
          {n * lat.cos * lon.cos, n * lat.cos * lon.sin, n * (1.0 - kEccentricity2) * lat.sin}};
}

Radii radii_of_sine(double sine_of_latitude) {
  const double w2 = 1.0 - kEccentricity2 * sine_of_latitude * sine_of_latitude;
  const double n = kSemiMajor / det_sqrt(w2);
  return {n * (1.0 - kEccentricity2) / w2, n};
}

Vector3 minus(const Vector3& a, const Vector3& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}

Vector3 velocity(const Frame& frame, const Motion& m) {
  return {frame.east.x * m.velocity_east + frame.north.x * m.velocity_north,
          frame.east.y * m.velocity_east + frame.north.y * m.velocity_north,
          frame.east.z * m.velocity_east + frame.north.z * m.velocity_north};
}

}  // namespace

Vector3 normal_of(Place place) {
  const SinCos lat = det_sincos(place.latitude * kDegree);
  const SinCos lon = det_sincos(place.longitude * kDegree);
  return {lat.cos * lon.cos, lat.cos * lon.sin, lat.sin};
}

Vector3 ecef_of(Place place) {
  return frame_at(place).ecef;
}

Radii radii_at(double latitude_degrees) {
  return radii_of_sine(det_sincos(latitude_degrees * kDegree).sin);
}

Place moved(Place from, double east, double north) {
  // Where the middle of the way lies is needed to a hundredth of the way only: a short one does
  // with the mean radius, and is then right to a centimetre.
  const double about =
      north < kShortWay && north > -kShortWay ? kMeanMeridian : radii_at(from.latitude).meridian;
  const double first = from.latitude + north / about / kDegree;
  const SinCos middle = det_sincos(0.5 * (from.latitude + first) * kDegree);
  const Radii radii = radii_of_sine(middle.sin);
  double latitude = from.latitude + north / radii.meridian / kDegree;
  latitude = latitude > 90.0 ? 90.0 : latitude < -90.0 ? -90.0 : latitude;
  const double per_radian =
      radii.prime_vertical * (middle.cos > kCosFloor ? middle.cos : kCosFloor);
  return {latitude, wrap_180(from.longitude + wrap_180(east / per_radian / kDegree))};
}

Offset offset_between(Place from, Place to) {
  const SinCos middle = det_sincos(0.5 * (from.latitude + to.latitude) * kDegree);
  const Radii radii = radii_of_sine(middle.sin);
  return {wrap_180(to.longitude - from.longitude) * kDegree * radii.prime_vertical * middle.cos,
          (to.latitude - from.latitude) * kDegree * radii.meridian};
}

double chord_distance(const Vector3& a, const Vector3& b) {
  const Vector3 d = minus(a, b);
  return det_sqrt(dot(d, d));
}

double bearing_between(Place from, Place to) {
  const Frame frame = frame_at(from);
  const Vector3 d = minus(ecef_of(to), frame.ecef);
  return wrap_360(det_atan2(dot(d, frame.east), dot(d, frame.north)) / kDegree);
}

Approach closest_approach(const Motion& a, const Motion& b, double horizon_s) {
  // Straight-line answer in ECEF, then re-linearised where it points to: each round removes the
  // curvature that the one before left out.
  constexpr int kRounds = 5;
  constexpr double kSettledS = 1e-3;  // at 100 m/s a tenth of a metre
  const auto after = [](const Motion& m, double t) {
    return t == 0.0 ? m.place : moved(m.place, m.velocity_east * t, m.velocity_north * t);
  };
  double t = 0.0;
  double distance = 0.0;
  for (int round = 0; round < kRounds; ++round) {
    const Motion at_a{after(a, t), a.velocity_east, a.velocity_north};
    const Motion at_b{after(b, t), b.velocity_east, b.velocity_north};
    const Frame fa = frame_at(at_a.place);
    const Frame fb = frame_at(at_b.place);
    const Vector3 d = minus(fb.ecef, fa.ecef);
    const Vector3 v = minus(velocity(fb, at_b), velocity(fa, at_a));
    distance = det_sqrt(dot(d, d));
    const double speed2 = dot(v, v);
    if (round + 1 == kRounds || speed2 < 1e-8) {
      break;
    }
    double next = t - dot(d, v) / speed2;
    next = next < 0.0 ? 0.0 : next > horizon_s ? horizon_s : next;
    if (next - t < kSettledS && t - next < kSettledS) {
      break;
    }
    t = next;
  }
  return {distance, t};
}

}  // namespace vedette
