// Purpose: point-in-zone test anywhere on the globe, across the antimeridian and at the poles.
// Polygon edges are great circles between the normals of their corners; a zone lies within 80
// degrees of its centre (the plan's compiler checks it). Runs on: the engine thread.
#pragma once

#include <span>

#include "base/geo.hpp"

namespace vedette {

struct Zone {
  std::span<const Vector3> corners;  // unit normals; empty for a circle
  Vector3 centre_ecef;               // of a circle
  Vector3 centre;                    // unit normal of the zone's middle
  double cos_radius;                 // a place further from `centre` is outside
  double radius_m;                   // of a circle
  bool around_own;                   // the centre is own ship
};

// Fills centre and cos_radius from corners, which must outlive the zone.
Zone make_polygon(std::span<const Vector3> corners);
Zone make_circle(Place centre, double radius_m);

// Winding number of the polygon around the place, by great-circle directions from its normal.
bool winds_around(const Zone& zone, const Vector3& normal);

// Boundary points may fall on either side.
inline bool inside(const Zone& zone, const Vector3& normal, const Vector3& ecef) {
  if (zone.corners.empty()) {
    const Vector3 d{ecef.x - zone.centre_ecef.x, ecef.y - zone.centre_ecef.y,
                    ecef.z - zone.centre_ecef.z};
    return dot(d, d) <= zone.radius_m * zone.radius_m;
  }
  // Edges lie within the cap of their corners. The cap also excludes the antipodes, around which
  // the polygon winds too.
  return dot(normal, zone.centre) >= zone.cos_radius && winds_around(zone, normal);
}

}  // namespace vedette
