#include "base/geo.hpp"

#include <GeographicLib/Geocentric.hpp>
#include <GeographicLib/Geodesic.hpp>
#include <GeographicLib/Rhumb.hpp>
#include <algorithm>
#include <cmath>
#include <random>

#include "base/math.hpp"
#include "model/zone.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

// Reference by an independent library: rhumb lines (constant course) and geodesic distances on WGS
// 84. Searches time coarsely, then finer around the minimum.
Approach search(const Motion& a, const Motion& b, double horizon) {
  const auto sailed = [](const Motion& m, double t) {
    Place p{};
    GeographicLib::Rhumb::WGS84().Direct(
        m.place.latitude, m.place.longitude,
        std::atan2(m.velocity_east, m.velocity_north) * 180.0 / M_PI,
        std::hypot(m.velocity_east, m.velocity_north) * t, p.latitude, p.longitude);
    return p;
  };
  Approach best{1e18, 0};
  const auto look = [&](double from, double to, double step) {
    for (double t = std::max(0.0, from); t <= std::min(horizon, to); t += step) {
      const Place pa = sailed(a, t), pb = sailed(b, t);
      double d = 0;
      GeographicLib::Geodesic::WGS84().Inverse(pa.latitude, pa.longitude, pb.latitude, pb.longitude,
                                               d);
      best = d < best.cpa ? Approach{d, t} : best;
    }
  };
  look(0, horizon, 20.0);
  for (const double step : {2.0, 0.2}) {
    look(best.tcpa - 10 * step, best.tcpa + 10 * step, step);
  }
  return best;
}

bool inside_polygon(const std::vector<Place>& corners, Place place) {
  std::vector<Vector3> normals;
  for (const Place& c : corners) {
    normals.push_back(normal_of(c));
  }
  const Zone zone = make_polygon(normals);
  return inside(zone, normal_of(place), ecef_of(place));
}

}  // namespace

TEST_CASE(
    "a place lies where the ellipsoid has it, to a hundredth of a micrometre and the rounding") {
  for (double latitude = -90.0; latitude <= 90.0; latitude += 0.7) {
    const Vector3 got = ecef_of(Place{latitude, latitude * 1.9});
    double x = 0, y = 0, z = 0;
    GeographicLib::Geocentric::WGS84().Forward(latitude, latitude * 1.9, 0.0, x, y, z);
    CHECK(std::abs(got.x - x) < 1e-8);
    CHECK(std::abs(got.y - y) < 1e-8);
    CHECK(std::abs(got.z - z) < 1e-8);
  }
}

TEST_CASE("two ships head on meet in the middle of the time their distance takes") {
  const Place here{60.0, 25.0};
  const Motion a{here, 0.0, 5.0};
  const Motion b{moved(here, 0.0, 6000.0), 0.0, -5.0};
  const Approach got = closest_approach(a, b, 7200);
  CHECK(got.cpa < 1.0);
  CHECK(std::abs(got.tcpa - 600.0) < 1.0);
}

TEST_CASE("a crossing ship passes at the distance plane geometry says") {
  const Place here{59.7, 24.7};
  const Motion own{here, 0.0, 0.0};
  const Motion other{moved(here, -3000.0, 400.0), 6.0, 0.0};
  const Approach got = closest_approach(own, other, 7200);
  CHECK(std::abs(got.cpa - 400.0) < 1.0);
  CHECK(std::abs(got.tcpa - 500.0) < 1.0);
}

TEST_CASE("ships that draw apart are closest now") {
  const Place here{0.0, 0.0};
  const Approach got =
      closest_approach({here, -3.0, 0.0}, {moved(here, 1000.0, 0.0), 3.0, 0.0}, 7200);
  CHECK(std::abs(got.cpa - 1000.0) < 1.0);
  CHECK(got.tcpa == 0.0);
}

TEST_CASE("closest approach equals a search in time, to 1 m and 1 s, across the globe") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> lat(-75, 75), lon(-180, 180), d(-15000, 15000), v(-12, 12);
  for (int i = 0; i < 200; ++i) {
    const Place here{lat(random), lon(random)};
    const Motion a{here, v(random), v(random)};
    const Motion b{moved(here, d(random), d(random)), v(random), v(random)};
    const Approach got = closest_approach(a, b, 3600);
    const Approach want = search(a, b, 3600);
    CHECK(std::abs(got.cpa - want.cpa) < 1.0);
    const double relative =
        std::hypot(a.velocity_east - b.velocity_east, a.velocity_north - b.velocity_north);
    if (relative > 1.0) {
      CHECK(std::abs(got.tcpa - want.tcpa) < 1.0);
    }
  }
}

TEST_CASE("a zone across the antimeridian holds what is in it and nothing else") {
  const std::vector<Place> zone{{-10, 175}, {-10, -175}, {10, -175}, {10, 175}};
  CHECK(inside_polygon(zone, {0, 180}));
  CHECK(inside_polygon(zone, {5, -178}));
  CHECK(inside_polygon(zone, {-5, 178}));
  CHECK_FALSE(inside_polygon(zone, {0, 170}));
  CHECK_FALSE(inside_polygon(zone, {0, -170}));
  CHECK_FALSE(inside_polygon(zone, {0, 0}));  // the zone winds around the antipode too
}

TEST_CASE("a zone around a pole holds the pole") {
  const std::vector<Place> north{{80, 0}, {80, 90}, {80, 180}, {80, -90}};
  CHECK(inside_polygon(north, {90, 0}));
  CHECK(inside_polygon(north, {89, -135}));
  CHECK_FALSE(inside_polygon(north, {79, 0}));
  CHECK_FALSE(inside_polygon(north, {-90, 0}));
  const std::vector<Place> south{{-80, 0}, {-80, 120}, {-80, -120}};
  CHECK(inside_polygon(south, {-89.9, 33}));
  CHECK_FALSE(inside_polygon(south, {-70, 0}));
}

TEST_CASE("a concave zone leaves its bay outside") {
  const std::vector<Place> zone{{0, 0}, {0, 4}, {4, 4}, {1, 2}, {4, 0}};
  CHECK(inside_polygon(zone, {0.5, 2}));
  CHECK_FALSE(inside_polygon(zone, {3, 2}));
}
