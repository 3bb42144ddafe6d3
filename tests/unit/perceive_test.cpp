#include "perceive/perceive.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "base/geo.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

perceive::Config config_for_tests() {
  perceive::Config config;
  for (Tracker& t : config.trackers) {
    t = {0.1, 60.0, 5.0, 15.0, 60.0, 500.0, 30.0, 60.0, 120.0, 2};
  }
  return config;
}

struct World {
  std::vector<std::uint64_t> memory;
  TrackTable tracks;
  perceive::Config config = config_for_tests();
  std::uint64_t sequence = 0;

  explicit World(std::size_t capacity = 8) : memory(TrackTable::bytes_needed(capacity) / 8 + 64) {
    Arena arena(memory.data(), memory.size() * 8);
    tracks.init(arena, capacity);
  }
  perceive::Perceived see(std::uint64_t mmsi, Place p, double seconds, double sigma = 10.0) {
    Observation o;
    o.kind = IdentityKind::vessel;
    o.identity = mmsi;
    o.latitude_e7 = to_int32(p.latitude * 1e7);
    o.longitude_e7 = to_int32(p.longitude * 1e7);
    o.position_sigma_mm = to_uint32(sigma * 1000);
    o.set(Field::position);
    o.set(Field::position_sigma);
    EventHeader event{};
    event.sequence = ++sequence;
    event.observed_ns = to_int64(seconds * 1e9) + 1'000'000'000'000;
    event.source = 0;
    return perceive::perceive(config, tracks, event, o);
  }
};

}  // namespace

TEST_CASE("innovations of a simulated track are consistent: mean NIS within its 95 % bounds") {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  double sum = 0.0;
  int count = 0;
  for (int run = 0; run < 50; ++run) {
    World w;
    Place place{59.0, 24.0};
    double ve = 3 * normal(random), vn = 3 * normal(random);
    for (int i = 0; i < 60; ++i) {
      const double dt = 5.0, q = 0.1;
      // Exact discretisation of white-noise acceleration: position and velocity noise correlate.
      for (double* v : {&ve, &vn}) {
        const double a = normal(random) * q * std::sqrt(dt);
        const double b = normal(random) * q * std::sqrt(dt * dt * dt / 12.0);
        const double move = *v * dt + a * dt / 2.0 + b;
        place = v == &ve ? moved(place, move, 0.0) : moved(place, 0.0, move);
        *v += a;
      }
      const auto p = w.see(1, moved(place, 10 * normal(random), 10 * normal(random)), i * dt);
      REQUIRE(p.exit == Exit::success);
      if (i >= 10) {
        sum += w.tracks[p.track].last_nis;
        ++count;
      }
    }
  }
  // Chi-square with 2 * 2500 degrees: mean 2, standard deviation of the mean 2 / sqrt(2500).
  const double mean = sum / count;
  CHECK(mean > 2.0 - 1.96 * 2.0 / std::sqrt(count));
  CHECK(mean < 2.0 + 1.96 * 2.0 / std::sqrt(count));
}

TEST_CASE("a jump no vessel can make is gated; three that agree are believed") {
  World w;
  const Place here{59.0, 24.0};
  w.see(7, here, 0);
  w.see(7, here, 10);
  const Place there = moved(here, 20000, 0);
  CHECK(w.see(7, there, 20).reason == Reason::gated);
  CHECK(w.tracks[0].longitude == doctest::Approx(24.0).epsilon(1e-5));
  CHECK(w.see(7, there, 30).reason == Reason::gated);
  const auto third = w.see(7, there, 40);
  CHECK(third.exit == Exit::success);
  CHECK(third.changes[0] == TrackChangeKind::reacquired);
}

TEST_CASE("a full belief abandons by name and keeps what it has") {
  World w(2);
  w.see(1, {1, 1}, 0);
  w.see(2, {2, 2}, 0);
  CHECK(w.see(3, {3, 3}, 0).reason == Reason::belief_full);
  CHECK(w.see(1, {1, 1}, 1).exit == Exit::success);
}

TEST_CASE("own transponder and own position are one track") {
  World w;
  w.config.own_mmsi[0] = 230035780;
  w.config.own_count = 1;
  const auto p = w.see(230035780, {59.7, 24.7}, 0);
  CHECK(w.tracks[p.track].kind == IdentityKind::own);
  CHECK(w.tracks.size() == 1);
}

TEST_CASE("confidence halves with each half-life and a late report is superseded") {
  World w;
  w.see(5, {1, 1}, 100);
  const auto p = w.see(5, {1, 1}, 110);
  const Tracker& k = w.config.trackers[2];
  const Track& t = w.tracks[p.track];
  const double now = confidence_of(t, k, t.observed_ns);
  CHECK(now > 0.9);
  CHECK(confidence_of(t, k, t.observed_ns + 60'000'000'000) < 0.5 * now);
  CHECK(w.see(5, {1, 1}, 108).reason == Reason::superseded);
}
