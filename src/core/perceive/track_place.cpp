#include "core/perceive/track_place.hpp"

#include "base/geo.hpp"
#include "base/math.hpp"

namespace vedette::perceive {
namespace {

void refresh(KnownAngle& known, double degrees) {
  const double cells = degrees * kCellsPerDegree;
  const auto cell = to_int32(cells + (cells >= 0.0 ? 0.5 : -0.5));
  const double nearest = static_cast<double>(cell) / kCellsPerDegree;
  const bool unset = known.sin == 0.0 && known.cos == 0.0;
  if (known.degrees != nearest || unset) {
    known = known_angle(nearest);
  }
}

}  // namespace

void refresh_place(Track& t) {
  refresh(t.parallel, t.latitude);
  refresh(t.meridian, t.longitude);
  const SinCos latitude = sincos_near(t.latitude, t.parallel);
  const SinCos longitude = sincos_near(t.longitude, t.meridian);
  const Vector3 normal{latitude.cos * longitude.cos, latitude.cos * longitude.sin, latitude.sin};
  const Vector3 ecef = ecef_of(normal);
  t.ecef[0] = ecef.x;
  t.ecef[1] = ecef.y;
  t.ecef[2] = ecef.z;
  t.normal[0] = normal.x;
  t.normal[1] = normal.y;
  t.normal[2] = normal.z;
}

}  // namespace vedette::perceive
