// Purpose: a sensor's tangent plane on the ellipsoid: positions of its reports, and its coverage.
// Runs on: the engine thread; no allocation; the same bits on every CPU.
#pragma once

#include "base/geo.hpp"
#include "base/math.hpp"
#include "core/perceive/measurement.hpp"
#include "model/observation.hpp"
#include "model/sensor.hpp"

namespace vedette::perceive {

struct SensorFrame {
  Vector3 origin, east, north, up;  // ECEF, m and unit vectors
};
SensorFrame frame_at(Place place);

// The target's position at height 0 on the ellipsoid; noise as the sensor declares it.
Plot placed(const SensorFrame& frame, const Sensor& sensor, const Observation& observation);

// Averages several reports of one target.
void merge(const SensorFrame& frame, Plot& into, const Plot& other);

// Whether the sensor's scan covers the place; `margin` metres reduce its range.
bool covers(const SensorFrame& frame, const Sensor& sensor, const Vector3& ecef, double margin);

// Between two places, m.
inline double distance(const double (&a)[3], const double (&b)[3]) {
  const double x = a[0] - b[0];
  const double y = a[1] - b[1];
  const double z = a[2] - b[2];
  return det_sqrt(x * x + y * y + z * z);
}
// East and north in the frame's plane.
Offset in_plane(const SensorFrame& frame, const Vector3& ecef);

}  // namespace vedette::perceive
