#include "perceive/track_place.hpp"

#include "base/geo.hpp"
#include "base/math.hpp"

namespace vedette::perceive {

void refresh_place(Track& t) {
  const Parallel parallel = parallel_at(t.latitude);
  const SinCos longitude = det_sincos(t.longitude * kDegree);
  const Vector3 normal{parallel.cos * longitude.cos, parallel.cos * longitude.sin, parallel.sin};
  const Vector3 ecef = ecef_of(normal);
  t.parallel = parallel;
  t.ecef[0] = ecef.x;
  t.ecef[1] = ecef.y;
  t.ecef[2] = ecef.z;
  t.normal[0] = normal.x;
  t.normal[1] = normal.y;
  t.normal[2] = normal.z;
}

}  // namespace vedette::perceive
