// Purpose: a sensor's tangent plane on the ellipsoid: where what it reports lies, and whether it
// can see a place. Runs on: the engine thread; no allocation; the same bits on every CPU.
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

// Where the report's target is, at height 0 on the ellipsoid; the noise as the sensor declares it.
Plot placed(const SensorFrame& frame, const Sensor& sensor, const Observation& observation);

// Several reports of one thing: their mean.
void merge(const SensorFrame& frame, Plot& into, const Plot& other);

// A scan of the sensor passes over the place. `margin` metres are taken off its reach.
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
