#include "plan/zone_outline.hpp"

#include <cmath>
#include <optional>
#include <utility>

#include "base/geo.hpp"
#include "base/math.hpp"

namespace vedette::plan {
namespace {

constexpr double kCos80Degrees = 0.17364817766693;
constexpr double kRoundingRad = 1e-10;  // 0.6 mm on the ground
constexpr double kEarthM = 6371000.0;
constexpr double kLeastM2 = 1.0;

struct Corner {
  double lat, lon;  // degrees; longitude continuous from the previous corner
  Vector3 unit;
};

Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
// A difference of longitudes, -180 to 180.
double wrapped(double degrees) {
  return degrees - 360.0 * std::round(degrees / 360.0);
}
double length(const Vector3& v) {
  return std::sqrt(dot(v, v));
}

// Drops corners that repeat the previous one, and a last one that repeats the first, as GeoJSON
// writes it.
std::vector<Corner> corners_of(const std::vector<double>& points) {
  std::vector<Corner> corners;
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    const SinCos lat = det_sincos(points[i] * kDegree);
    const SinCos lon = det_sincos(points[i + 1] * kDegree);
    Corner c{points[i], points[i + 1], {lat.cos * lon.cos, lat.cos * lon.sin, lat.sin}};
    if (!corners.empty()) {
      c.lon = corners.back().lon + wrapped(c.lon - corners.back().lon);
    }
    const auto same = [&](const Corner& other) {
      return length(cross(c.unit, other.unit)) < kRoundingRad && dot(c.unit, other.unit) > 0.0;
    };
    if (corners.empty() || !same(corners.back())) {
      corners.push_back(c);
    }
    if (i + 3 >= points.size() && corners.size() > 1 && same(corners.front())) {
      corners.pop_back();
    }
  }
  return corners;
}

bool too_large(const std::vector<Corner>& corners) {
  Vector3 sum{0.0, 0.0, 0.0};
  for (const Corner& c : corners) {
    sum = {sum.x + c.unit.x, sum.y + c.unit.y, sum.z + c.unit.z};
  }
  const double middle = length(sum);
  for (const Corner& c : corners) {
    if (middle < 1e-9 || dot(c.unit, sum) < kCos80Degrees * middle) {
      return true;
    }
  }
  return false;
}

// Collinear as written; on the globe the corners may still span an area.
bool on_a_line(const std::vector<Corner>& corners) {
  const double last = corners.back().lon;
  if (std::abs(last + wrapped(corners[0].lon - last) - corners[0].lon) > 180.0) {
    return false;  // goes once round a pole
  }
  double far = 0.0;
  double lat = 0.0;
  double lon = 0.0;
  for (const Corner& c : corners) {
    const double north = c.lat - corners[0].lat;
    const double east = c.lon - corners[0].lon;
    if (north * north + east * east > far) {
      far = north * north + east * east;
      lat = north;
      lon = east;
    }
  }
  for (const Corner& c : corners) {
    const double aside = (c.lat - corners[0].lat) * lon - (c.lon - corners[0].lon) * lat;
    if (std::abs(aside) > 1e-9 * far) {
      return false;
    }
  }
  return true;
}

// Angle from the great circle a-b to `c`, radians, left positive.
double left_of(const Corner& a, const Corner& b, const Corner& c) {
  const Vector3 n = cross(a.unit, b.unit);
  const double l = length(n);
  return l > 0.0 ? dot(n, c.unit) / l : 0.0;
}

// Two edges that cross in their interiors, as their first corners; edges that only touch do not
// count.
std::optional<std::pair<std::size_t, std::size_t>> crossing(const std::vector<Corner>& corners) {
  const std::size_t n = corners.size();
  const auto apart = [](double one, double other) {
    return (one > kRoundingRad && other < -kRoundingRad) ||
           (one < -kRoundingRad && other > kRoundingRad);
  };
  for (std::size_t i = 0; i < n; ++i) {
    const Corner& a = corners[i];
    const Corner& b = corners[(i + 1) % n];
    for (std::size_t j = i + 2; j < n; ++j) {
      const Corner& c = corners[j];
      const Corner& d = corners[(j + 1) % n];
      if (apart(left_of(a, b, c), left_of(a, b, d)) && apart(left_of(c, d, a), left_of(c, d, b))) {
        return std::pair{i, j};
      }
    }
  }
  return std::nullopt;
}

// For an outline that does not cross itself.
double area_m2(const std::vector<Corner>& corners) {
  Vector3 sum{0.0, 0.0, 0.0};
  const Vector3& first = corners[0].unit;
  const auto from_first = [&](const Corner& c) {
    return Vector3{c.unit.x - first.x, c.unit.y - first.y, c.unit.z - first.z};
  };
  for (std::size_t i = 1; i + 1 < corners.size(); ++i) {
    const Vector3 part = cross(from_first(corners[i]), from_first(corners[i + 1]));
    sum = {sum.x + part.x, sum.y + part.y, sum.z + part.z};
  }
  return 0.5 * length(sum) * kEarthM * kEarthM;
}

std::string place(const Corner& c) {
  const auto number = [](double v) {
    std::string text = std::to_string(v);
    text.erase(text.find_last_not_of('0') + 1);
    return text.back() == '.' ? text + "0" : text;
  };
  return "[" + number(c.lat) + ", " + number(wrapped(c.lon)) + "]";
}

}  // namespace

ShapeProblem check_outline(const std::vector<double>& points) {
  const std::vector<Corner> corners = corners_of(points);
  constexpr const char* kAlong = "write the corners one after the other along the outline";
  if (corners.size() < 3) {
    return {"the zone has no area: of its corners " + std::to_string(corners.size()) +
                (corners.size() == 1 ? " is" : " are") + " different",
            "write three corners or more, or a centre and a radius"};
  }
  if (too_large(corners)) {
    return {"the zone is too large: every corner must lie within 80 degrees of its middle",
            "split it into two zones"};
  }
  if (on_a_line(corners)) {
    return {"the zone has no area: its corners lie on one line", kAlong};
  }
  if (const auto edges = crossing(corners)) {
    const auto edge = [&](std::size_t i) {
      return place(corners[i]) + " to " + place(corners[(i + 1) % corners.size()]);
    };
    return {"the zone's outline crosses itself: the edge " + edge(edges->first) + " and the edge " +
                edge(edges->second),
            std::string(kAlong) + ", or make it two zones"};
  }
  if (!(area_m2(corners) >= kLeastM2)) {
    return {"the zone has no area: less than a square metre lies within its outline", kAlong};
  }
  return {};
}

}  // namespace vedette::plan
