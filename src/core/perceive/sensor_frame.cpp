#include "core/perceive/sensor_frame.hpp"

#include "base/math.hpp"

namespace vedette::perceive {
namespace {

constexpr double kFlattening = 1.0 / 298.257223563;
constexpr double kEccentricity2 = kFlattening * (2.0 - kFlattening);
constexpr double kEarthRadius = 6371008.8;  // mean; the surface drops below the plane by it

Vector3 east_of(const Vector3& normal) {
  const double length = det_sqrt(normal.x * normal.x + normal.y * normal.y);
  return length > 0.0 ? Vector3{-normal.y / length, normal.x / length, 0.0}
                      : Vector3{0.0, 1.0, 0.0};
}
Vector3 north_of(const Vector3& normal, const Vector3& east) {
  return {normal.y * east.z - normal.z * east.y, normal.z * east.x - normal.x * east.z,
          normal.x * east.y - normal.y * east.x};
}

// Fills place, ecef and rotation of the plot at from_sensor.
void locate(const SensorFrame& f, Plot& plot) {
  const double e = plot.from_sensor[0];
  const double n = plot.from_sensor[1];
  const double drop = (e * e + n * n) / (2.0 * kEarthRadius);
  const Vector3 at{f.origin.x + f.east.x * e + f.north.x * n - f.up.x * drop,
                   f.origin.y + f.east.y * e + f.north.y * n - f.up.y * drop,
                   f.origin.z + f.east.z * e + f.north.z * n - f.up.z * drop};
  const double from_axis = det_sqrt(at.x * at.x + at.y * at.y);
  plot.place = {det_atan2(at.z, (1.0 - kEccentricity2) * from_axis) / kDegree,
                wrap_180(det_atan2(at.y, at.x) / kDegree)};
  plot.ecef[0] = at.x;
  plot.ecef[1] = at.y;
  plot.ecef[2] = at.z;
  const double length = det_sqrt(
      from_axis * from_axis * (1.0 - kEccentricity2) * (1.0 - kEccentricity2) + at.z * at.z);
  const Vector3 normal{at.x * (1.0 - kEccentricity2) / length,
                       at.y * (1.0 - kEccentricity2) / length, at.z / length};
  const Vector3 east = east_of(normal);
  const Vector3 north = north_of(normal, east);
  plot.rotation[0][0] = dot(f.east, east);
  plot.rotation[0][1] = dot(f.east, north);
  plot.rotation[1][0] = dot(f.north, east);
  plot.rotation[1][1] = dot(f.north, north);
}

}  // namespace

SensorFrame frame_at(Place place) {
  const Vector3 normal = normal_of(place);
  const Vector3 east = east_of(normal);
  return {ecef_of(normal), east, north_of(normal, east), normal};
}

Offset in_plane(const SensorFrame& f, const Vector3& ecef) {
  const Vector3 away{ecef.x - f.origin.x, ecef.y - f.origin.y, ecef.z - f.origin.z};
  return {dot(away, f.east), dot(away, f.north)};
}

Plot placed(const SensorFrame& frame, const Sensor& sensor, const Observation& o) {
  Plot plot{};
  plot.identity = o.identity;
  plot.squawk_next = o.particulars.squawk_next;
  plot.merged = 1;
  plot.variance_range = sensor.range_sigma * sensor.range_sigma;
  plot.variance_azimuth = sensor.azimuth_sigma * sensor.azimuth_sigma;
  plot.variance_place = sensor.extent_sigma * sensor.extent_sigma;
  if (o.has(Field::plot_polar)) {
    double range = o.plot[0] * 1e-3;
    if (o.has(Field::altitude)) {  // slant range to ground range
      const double height = o.altitude_mm * 1e-3;
      range = range > height && height > 0.0 ? det_sqrt(range * range - height * height) : range;
    }
    const SinCos azimuth = det_sincos(o.plot[1] * 1e-6 * kDegree);
    plot.from_sensor[0] = range * azimuth.sin;
    plot.from_sensor[1] = range * azimuth.cos;
    plot.polar = 1;
  } else if (o.has(Field::plot_plane)) {
    plot.from_sensor[0] = o.plot[0] * 1e-3;
    plot.from_sensor[1] = o.plot[1] * 1e-3;
  } else {
    const Offset at = in_plane(frame, ecef_of(Place{o.latitude_e7 * 1e-7, o.longitude_e7 * 1e-7}));
    plot.from_sensor[0] = at.east;
    plot.from_sensor[1] = at.north;
  }
  if (sensor.near_side_m > 0.0) {
    const double range = det_sqrt(plot.from_sensor[0] * plot.from_sensor[0] +
                                  plot.from_sensor[1] * plot.from_sensor[1]);
    const double longer = range > 0.0 ? 1.0 + sensor.near_side_m / range : 1.0;
    plot.from_sensor[0] *= longer;
    plot.from_sensor[1] *= longer;
  }
  locate(frame, plot);
  return plot;
}

void merge(const SensorFrame& frame, Plot& into, const Plot& other) {
  const double share =
      static_cast<double>(other.merged) / static_cast<double>(into.merged + other.merged);
  into.from_sensor[0] += share * (other.from_sensor[0] - into.from_sensor[0]);
  into.from_sensor[1] += share * (other.from_sensor[1] - into.from_sensor[1]);
  into.merged += other.merged;
  into.identity = into.identity != 0 ? into.identity : other.identity;
  into.squawk_next = into.squawk_next != 0 ? into.squawk_next : other.squawk_next;
  locate(frame, into);
}

bool covers(const SensorFrame& frame, const Sensor& sensor, const Vector3& ecef, double margin) {
  const Offset at = in_plane(frame, ecef);
  const double range = det_sqrt(at.east * at.east + at.north * at.north);
  if (range < sensor.range_min + margin || range > sensor.range_max - margin) {
    return false;
  }
  if (sensor.sector_width >= 360.0) {
    return true;
  }
  const double azimuth = det_atan2(at.east, at.north) / kDegree;
  return wrap_360(azimuth - sensor.sector_from) <= sensor.sector_width;
}

}  // namespace vedette::perceive
