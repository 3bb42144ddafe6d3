#include "base/geo.hpp"

#include "base/geo_near.hpp"
#include "base/math.hpp"

namespace vedette {
namespace {

struct Frame {
  Vector3 east, north, ecef;
};

Frame frame_at(Place place) {
  const SinCos lat = det_sincos(place.latitude * kDegree);
  const SinCos lon = det_sincos(place.longitude * kDegree);
  return {{-lon.sin, lon.cos, 0.0},
          {-lat.sin * lon.cos, -lat.sin * lon.sin, lat.cos},
          ecef_of(Vector3{lat.cos * lon.cos, lat.cos * lon.sin, lat.sin})};
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

// Near a known angle, a series about it is cheaper than sincos. Truncation error below 1e-16: two
// terms reach six kilometres, five reach an eighth of a radian.
SinCos sincos_near(double degrees, const KnownAngle& known) {
  const double d = near::radians_from<double>(degrees, {known.degrees, known.sin, known.cos});
  const double d2 = d * d;
  if (d2 <= near::kReach2) {
    const auto t = near::turned<double>({known.degrees, known.sin, known.cos}, d);
    return {t.sin, t.cos};
  }
  if (d2 > 1.0 / 64.0 || d2 != d2) {
    return det_sincos(degrees * kDegree);
  }
  const double s =
      d *
      (1.0 - d2 * (1.0 / 6.0 - d2 * (1.0 / 120.0 - d2 * (1.0 / 5040.0 - d2 * (1.0 / 362880.0)))));
  const double c =
      d2 * (0.5 -
            d2 * (1.0 / 24.0 - d2 * (1.0 / 720.0 - d2 * (1.0 / 40320.0 - d2 * (1.0 / 3628800.0)))));
  return {known.sin + (known.cos * s - known.sin * c), known.cos - (known.sin * s + known.cos * c)};
}

Vector3 normal_of(Place place) {
  const SinCos lat = det_sincos(place.latitude * kDegree);
  const SinCos lon = det_sincos(place.longitude * kDegree);
  return {lat.cos * lon.cos, lat.cos * lon.sin, lat.sin};
}

Vector3 ecef_of(const Vector3& normal) {
  const near::Vector<double> e = near::ecef_of<double>({normal.x, normal.y, normal.z});
  return {e.x, e.y, e.z};
}

Vector3 ecef_of(Place place) {
  return ecef_of(normal_of(place));
}

KnownAngle known_angle(double degrees) {
  const SinCos trig = det_sincos(degrees * kDegree);
  return {degrees, trig.sin, trig.cos};
}

Place moved(Place from, double east, double north, const Parallel& parallel) {
  double middle_latitude = near::middle_latitude(from.latitude, north);
  if (north > near::kShortWay || north < -near::kShortWay) {
    const double here = near::meridian_curvature(sincos_near(from.latitude, parallel).sin);
    middle_latitude = from.latitude + 0.5 * north * here * near::kDegrees;
  }
  const SinCos middle = sincos_near(middle_latitude, parallel);
  const double cosine = middle.cos > near::kCosFloor ? middle.cos : near::kCosFloor;
  const auto by = near::degrees_of<double>({east, north}, middle.sin, cosine);
  const double latitude = from.latitude + by.latitude;
  return {latitude > 90.0    ? 90.0
          : latitude < -90.0 ? -90.0
                             : latitude,
          wrap_180(from.longitude + wrap_180(by.longitude))};
}

namespace {

Offset offset_across(Place from, Place to, const SinCos& middle) {
  const auto way = near::way_across<double>(wrap_180(to.longitude - from.longitude),
                                            to.latitude - from.latitude, {middle.sin, middle.cos});
  return {way.east, way.north};
}

}  // namespace

Offset offset_between(Place from, Place to, const Parallel& parallel) {
  return offset_across(from, to, sincos_near(0.5 * (from.latitude + to.latitude), parallel));
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

namespace {

constexpr int kRounds = 5;

// Solves for straight lines in ECEF, then re-linearises at the point found: each round removes the
// curvature that the last one ignored. Valid anywhere on the globe.
Approach approach_through_ecef(const Motion& a, const Motion& b, double horizon_s,
                               const Parallel& parallel) {
  constexpr double kSettledS = 1e-3;  // at 100 m/s a tenth of a metre
  const auto after = [&parallel](const Motion& m, double t) {
    return t == 0.0 ? m.place : moved(m.place, m.velocity_east * t, m.velocity_north * t, parallel);
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

}  // namespace

Approach closest_approach(const Motion& a, const Motion& b, double horizon_s,
                          const Parallel& parallel) {
  // Solves in the plane of the middle latitude, with both velocities rotated by half the
  // convergence of the meridians, and re-linearises at the point found.
  constexpr double kPlaneM = 150'000.0;
  constexpr double kPlaneLatitude = 80.0;
  constexpr double kSettledS = 0.1;  // the paths are straight from there
  double t = 0.0;
  Place at_a = a.place;
  Place at_b = b.place;
  for (int round = 0; round < kRounds; ++round) {
    const double middle_latitude = 0.5 * (at_a.latitude + at_b.latitude);
    const SinCos middle = sincos_near(middle_latitude, parallel);
    const Offset d = offset_across(at_a, at_b, middle);
    if (d.east > kPlaneM || d.east < -kPlaneM || d.north > kPlaneM || d.north < -kPlaneM ||
        middle_latitude > kPlaneLatitude || middle_latitude < -kPlaneLatitude) {
      return approach_through_ecef(a, b, horizon_s, parallel);
    }
    // The plane's bounds keep the argument below an eighth of a radian.
    const double half = 0.5 * wrap_180(at_b.longitude - at_a.longitude) * kDegree * middle.sin;
    const double sine = half * (1.0 - half * half / 6.0);
    const double cosine = 1.0 - half * half / 2.0;
    const double sum_east = a.velocity_east + b.velocity_east;
    const double sum_north = a.velocity_north + b.velocity_north;
    const double east = cosine * (b.velocity_east - a.velocity_east) - sine * sum_north;
    const double north = cosine * (b.velocity_north - a.velocity_north) + sine * sum_east;
    const double speed2 = east * east + north * north;
    double next = t;
    if (speed2 >= 1e-8) {
      next -= (d.east * east + d.north * north) / speed2;
      next = next < 0.0 ? 0.0 : next > horizon_s ? horizon_s : next;
    }
    const double rest = next - t;
    t = next;
    if (round + 1 == kRounds || (rest < kSettledS && rest > -kSettledS)) {
      const double de = d.east + rest * east;
      const double dn = d.north + rest * north;
      return {det_sqrt(de * de + dn * dn), t};
    }
    at_a = moved(a.place, a.velocity_east * t, a.velocity_north * t, parallel);
    at_b = moved(b.place, b.velocity_east * t, b.velocity_north * t, parallel);
  }
  return {};
}

}  // namespace vedette
