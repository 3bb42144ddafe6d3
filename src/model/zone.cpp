#include "model/zone.hpp"

#include "base/math.hpp"

namespace vedette {
namespace {

Vector3 unit(Vector3 v) {
  const double length = det_sqrt(dot(v, v));
  return length > 0.0 ? Vector3{v.x / length, v.y / length, v.z / length} : Vector3{0.0, 0.0, 1.0};
}

Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

}  // namespace

Zone make_polygon(std::span<const Vector3> corners) {
  Zone zone{};
  zone.corners = corners;
  Vector3 sum{0.0, 0.0, 0.0};
  for (const Vector3& c : corners) {
    sum = {sum.x + c.x, sum.y + c.y, sum.z + c.z};
  }
  zone.centre = unit(sum);
  zone.cos_radius = 1.0;
  for (const Vector3& c : corners) {
    const double d = dot(c, zone.centre);
    zone.cos_radius = d < zone.cos_radius ? d : zone.cos_radius;
  }
  zone.cos_radius -= 1e-12;  // rounding must not put a corner outside the cap
  return zone;
}

Zone make_circle(Place centre, double radius_m) {
  Zone zone{};
  zone.centre = normal_of(centre);
  zone.centre_ecef = ecef_of(centre);
  zone.radius_m = radius_m;
  return zone;
}

bool winds_around(const Zone& zone, const Vector3& normal) {
  // A tangent basis at the place; each corner's direction is that of its great circle.
  const Vector3 helper =
      normal.z > 0.9 || normal.z < -0.9 ? Vector3{1.0, 0.0, 0.0} : Vector3{0.0, 0.0, 1.0};
  const Vector3 ex = unit(cross(helper, normal));
  const Vector3 ey = cross(normal, ex);
  int winding = 0;
  const Vector3& last = zone.corners.back();
  double ax = dot(last, ex);
  double ay = dot(last, ey);
  for (const Vector3& c : zone.corners) {
    const double bx = dot(c, ex);
    const double by = dot(c, ey);
    const double side = ax * by - bx * ay;  // > 0: the place is left of the edge
    if (ay <= 0.0 && by > 0.0 && side > 0.0) {
      ++winding;
    } else if (ay > 0.0 && by <= 0.0 && side < 0.0) {
      --winding;
    }
    ax = bx;
    ay = by;
  }
  return winding != 0;
}

}  // namespace vedette
