#include "core/perceive/perceive.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/geo.hpp"
#include "core/perceive/four_tracks.hpp"
#include "core/perceive/track_place.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

TrackingRules config_for_tests() {
  TrackingRules config;
  for (Tracker& t : config.trackers) {
    t = {0.1, 60.0, 5.0, 15.0, 60.0, 500.0, 30.0, 60.0, 120.0, 2};
  }
  return config;
}

struct World {
  std::vector<std::uint64_t> memory;
  TrackTable tracks;
  perceive::SecondPlaces places;
  TrackingRules config = config_for_tests();
  std::uint64_t sequence = 0;

  explicit World(std::size_t capacity = 8)
      : memory(
            (TrackTable::bytes_needed(capacity) + perceive::SecondPlaces::bytes_needed(capacity)) /
                8 +
            64) {
    Arena arena(memory.data(), memory.size() * 8);
    tracks.init(arena, capacity);
    places.init(arena, capacity);
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
    return perceive::perceive(config, tracks, places, event, o);
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

TEST_CASE(
    "positions taken together leave the tracks as one after the other does, to the last bit") {
  std::mt19937_64 random(5);
  const auto one_of = [&](std::uint64_t count) { return random() % count; };
  World apart(64), together(64);
  std::array<std::size_t, 3> exits{};
  // Some near a pole and some at the date line; most continue unchanged.
  std::vector<Place> places(40);
  std::vector<double> courses(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i] = {i % 10 == 0 ? 89.999 : -60.0 + static_cast<double>(i) * 3.1,
                 i % 7 == 0 ? 179.9999 : -170.0 + static_cast<double>(i) * 8.7};
    courses[i] = static_cast<double>(one_of(360));
  }
  std::int64_t ns = 1'000'000'000'000;
  for (int round = 0; round < 20'000; ++round) {
    ns += static_cast<std::int64_t>(one_of(20'000'000'000 / (1 + one_of(100))));
    const std::size_t count = 1 + one_of(perceive::kTogether);
    std::array<EventHeader, perceive::kTogether> events{};
    std::array<Observation, perceive::kTogether> observations{};
    std::array<perceive::Sighting, perceive::kTogether> sightings{};
    for (std::size_t i = 0; i < count; ++i) {
      // Sometimes the same track twice in a group.
      const std::size_t who = one_of(places.size());
      Place& place = places[who];
      const double way = one_of(50) == 0 ? 20'000.0 : static_cast<double>(one_of(300));
      const double course = courses[who] * kDegree;
      place = moved(place, way * std::sin(course), way * std::cos(course));
      courses[who] = one_of(30) == 0 ? static_cast<double>(one_of(360)) : courses[who];
      Observation& o = observations[i];
      o.kind = one_of(100) == 0 ? IdentityKind::none : IdentityKind::vessel;
      o.identity = who;
      o.latitude_e7 = to_int32(place.latitude * 1e7);
      o.longitude_e7 = to_int32(place.longitude * 1e7);
      o.speed_mm_s = to_int32(static_cast<double>(one_of(70'000)));
      o.course_e6 = to_int32(courses[who] * 1e6);
      o.position_sigma_mm = static_cast<std::uint32_t>(one_of(30'000));
      o.altitude_mm = 7;
      for (const Field f :
           {Field::position, Field::speed, Field::course, Field::position_sigma, Field::altitude}) {
        if (one_of(f == Field::position ? 12 : 3) != 0) {
          o.set(f);
        }
      }
      EventHeader& event = events[i];
      event.sequence = static_cast<std::uint64_t>(round) * 4 + i + 1;
      event.observed_ns = ns - (one_of(40) == 0 ? 6'000'000'000 : 0);
      event.source = static_cast<std::uint16_t>(one_of(3));
      sightings[i] = {&event, &o};
    }
    std::array<perceive::Perceived, perceive::kTogether> out;
    perceive::perceive(together.config, together.tracks, together.places,
                       std::span(sightings).first(count), out);
    for (std::size_t i = 0; i < count; ++i) {
      const auto p =
          perceive::perceive(apart.config, apart.tracks, apart.places, events[i], observations[i]);
      REQUIRE(p.track == out[i].track);
      REQUIRE(p.exit == out[i].exit);
      REQUIRE(p.reason == out[i].reason);
      REQUIRE(p.changes == out[i].changes);
      REQUIRE(p.change_count == out[i].change_count);
      ++exits[static_cast<std::size_t>(p.exit) - 1];
    }
    for (std::uint32_t t = 0; t < apart.tracks.high_water(); ++t) {
      REQUIRE(std::memcmp(&apart.tracks[t], &together.tracks[t], sizeof(Track)) == 0);
    }
  }
  for (const std::size_t count : exits) {
    CHECK(count > 100);
  }
}

#if VEDETTE_WIDE_VECTORS
TEST_CASE("vectors of every width leave four tracks as they are left by any") {
  if (__builtin_cpu_supports("avx2") == 0) {
    MESSAGE("this processor has no wider vectors");
    return;
  }
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> spread(-1.0, 1.0);
  const Tracker tracker{0.1, 60.0, 5.0, 15.0, 60.0, 500.0, 30.0, 60.0, 120.0, 2};
  std::size_t taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::array<Track, kLanes> base{}, wide{};
    std::array<perceive::Fix, kLanes> fixes{};
    for (std::size_t i = 0; i < kLanes; ++i) {
      Track& t = base[i];
      t.latitude = 80.0 * spread(random);
      t.longitude = 180.0 * spread(random);
      t.velocity_east = 20.0 * spread(random);
      t.velocity_north = 20.0 * spread(random);
      t.variance_position = 100.0 + 90.0 * spread(random);
      t.variance_velocity = 10.0 + 9.0 * spread(random);
      t.covariance = 5.0 * spread(random);
      t.updates = 3;
      perceive::refresh_place(t);
      fixes[i] = {nullptr,
                  &tracker,
                  {t.latitude + 1e-3 * spread(random), t.longitude + 1e-3 * spread(random)},
                  10.0,
                  1'000'000'000 + static_cast<std::int64_t>(random() % 5'000'000'000),
                  random() % 2 == 0,
                  20.0 + 20.0 * spread(random),
                  kPi + kPi * spread(random)};
    }
    wide = base;
    const auto take = [&](auto&& by, std::array<Track, kLanes>& tracks) {
      for (std::size_t i = 0; i < kLanes; ++i) {
        fixes[i].track = &tracks[i];
      }
      return by(fixes, (1U << kLanes) - 1);
    };
    const unsigned by_base = take(perceive::take_ordinary_base, base);
    REQUIRE(take(perceive::take_ordinary_wide, wide) == by_base);
    REQUIRE(std::memcmp(&base, &wide, sizeof base) == 0);
    taken += static_cast<std::size_t>(std::popcount(by_base));
  }
  CHECK(taken > 20'000);
}
#endif
