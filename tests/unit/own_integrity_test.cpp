// What speaks against a receiver's position: each doubt is raised by its cause alone, within its
// time.
#include <string>

#include "unit/own_bridge.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr const char* kSite = R"site(
site = "bridge"
[own]
at = [60.0, 25.0]
within = "3 nmi"
[source.first]
driver = "udp"
listen = "127.0.0.1:1"
codec = "nmea0183"
[source.second]
driver = "udp"
listen = "127.0.0.1:2"
codec = "nmea0183"
[zone.near]
around = "own"
radius = "5 nmi"
[assess.frozen]
of = "own"
when = "own.frozen"
[assess.drift]
of = "own"
when = "own.drift"
[assess.off_place]
of = "own"
when = "own.off_place"
[assess.stale]
of = "own"
when = "own.stale"
[assess.weak]
of = "own"
when = "own.weak"
[assess.jump]
of = "own"
when = "own.jump"
[assess.disagree]
of = "own"
when = "own.disagree"
[assess.entered]
of = "track"
when = "inside(track, near)"
confidence = "1.0"
[assess.fast]
of = "track"
when = "track.speed > 20 kn"
confidence = "1.0"
[decide.d]
on = "jump"
run = "a"
[action.a]
sink = "l"
[sink.l]
driver = "log"
)site";
constexpr double kKnot = 0.5144;

// Own ship goes north at 6 kn; the receiver's place is `error` metres east of it.
void sail(Bridge& b, int seconds, double& north, double& error, double pull = 0.0) {
  for (int i = 0; i < seconds; ++i) {
    b.report(0, off(error, north), 6.0, 0.0);
    b.second();
    north += 6.0 * kKnot;
    error += pull;
  }
}

// A receiver that reports the way it leads; log and compass say 6 kn to the north. The rest is
// current, or a pull (m/s, to the east).
void sail_in_current(Bridge& b, int seconds, double& east, double& north, double (*current)(int)) {
  for (int i = 0; i < seconds; ++i) {
    const double set = current(i);
    b.steer(1, 0.0, 6.0);
    b.report(0, off(east, north), std::hypot(set, 6.0 * kKnot) / kKnot,
             std::atan2(set, 6.0 * kKnot) / kDegree);
    b.second();
    east += set;
    north += 6.0 * kKnot;
  }
}

}  // namespace

TEST_CASE("a pull of 3 m/s with the speed and course that go with it is told by log and compass") {
  Bridge b(kSite);
  double east = 0.0, north = 0.0;
  sail_in_current(b, 300, east, north, [](int) { return 0.7; });
  CHECK(b.raised.empty());
  sail_in_current(b, 180, east, north, [](int) { return 3.7; });
  REQUIRE(b.raised.count("drift") == 1);
  CHECK(b.raised["drift"] - 300.0 <= 180.0);
  CHECK(b.shard().causes().has(Cause::own_in_doubt));
}

TEST_CASE("a current that turns within an hour is no drift") {
  Bridge b(kSite);
  double east = 0.0, north = 0.0;
  sail_in_current(b, 3600, east, north, [](int i) { return 1.0 - i / 1800.0; });
  CHECK(b.raised.count("drift") == 0);
}

TEST_CASE("a log that reads 5 % too much and a compass 3 degrees off are no drift in any turn") {
  Bridge b(kSite);
  double east = 0.0, north = 0.0;
  for (int i = 0; i < 1800; ++i) {
    const double course = i / 300 % 2 == 0 ? 40.0 : 220.0;
    b.steer(1, course + 3.0, 21.0);
    b.report(0, off(east, north), 20.0, course);
    b.second();
    east += 20.0 * kKnot * std::sin(course * kDegree);
    north += 20.0 * kKnot * std::cos(course * kDegree);
  }
  CHECK(b.raised.count("drift") == 0);
}

TEST_CASE("a log that is fouled, reads low, or knows no astern is no drift") {
  struct Row {
    double knots, turn, log_share;  // degrees after five minutes; what the log reads
    bool astern;                    // it goes back along its heading instead of turning
  };
  for (const Row row :
       {Row{6.0, 90.0, 0.0, false}, Row{10.0, 30.0, 0.0, false}, Row{12.0, 180.0, 0.8, false},
        Row{3.0, 0.0, 1.0, true}, Row{12.0, 0.0, 1.0, true}, Row{14.0, 0.0, -1.0, true}}) {
    Bridge b(kSite);
    double east = 0.0, north = 0.0;
    for (int i = 0; i < 1200; ++i) {
      const bool second = i >= 300;
      const double heading = second && !row.astern ? row.turn : 0.0;
      const double course = second && row.astern ? 180.0 : heading;
      b.steer(1, heading, row.knots * (second || row.log_share >= 0.0 ? row.log_share : 1.0));
      b.report(0, off(east, north), row.knots, course);
      b.second();
      east += row.knots * kKnot * std::sin(course * kDegree);
      north += row.knots * kKnot * std::cos(course * kDegree);
    }
    CHECK_MESSAGE(b.raised.count("drift") == 0,
                  row.knots << " kn, turn " << row.turn << ", log " << row.log_share);
  }
}

TEST_CASE("ten minutes of an honest receiver raise nothing") {
  Bridge b(kSite);
  double north = 0.0;
  double jitter = 0.0;
  for (int i = 0; i < 600; ++i) {
    jitter = 6.0 * ((i * 7919 % 13) / 6.0 - 1.0);
    b.report(0, off(jitter, north), 6.0, 0.0);
    b.satellites(0, static_cast<std::uint8_t>(9 + i % 3), static_cast<std::uint8_t>(40 + i % 4));
    b.second();
    north += 6.0 * kKnot;
  }
  CHECK(b.raised.empty());
  CHECK(b.changes.count(TrackChangeKind::doubted) == 0);
}

TEST_CASE("a receiver that repeats one position while it reports a speed is frozen") {
  Bridge b(kSite);
  double north = 0.0, error = 0.0;
  sail(b, 60, north, error);
  const double stuck = north;
  for (int i = 0; i < 20; ++i) {
    b.report(0, off(0, stuck), 6.0, 0.0);
    b.second();
    north += 6.0 * kKnot;
  }
  REQUIRE(b.raised.count("frozen") == 1);
  CHECK(b.raised.count("drift") == 0);
  CHECK(b.raised["frozen"] - 60.0 <= 17.0);
  CHECK(b.changes.count(TrackChangeKind::doubted) >= 1);
  CHECK(b.shard().causes().has(Cause::own_in_doubt));
  SUBCASE("and is believed again once it moves") {
    sail(b, 30, north, error);
    CHECK(b.cleared.count("frozen") == 1);
    CHECK(b.changes.count(TrackChangeKind::believed) >= 1);
    CHECK_FALSE(b.shard().causes().has(Cause::own_in_doubt));
  }
}

TEST_CASE("at rest one position for hours is no frozen receiver, nor the moment of departure") {
  Bridge b(kSite);
  for (int i = 0; i < 300; ++i) {
    b.report(0, kHere, 0.2, 0.0);
    b.second();
  }
  double north = 0.0, error = 0.0;
  sail(b, 30, north, error);
  CHECK(b.raised.count("frozen") == 0);
}

TEST_CASE("a pull of 0.5 m/s away from the reported way is told within three minutes") {
  Bridge b(kSite);
  double north = 0.0, error = 0.0;
  sail(b, 120, north, error);
  sail(b, 180, north, error, 0.5);
  REQUIRE(b.raised.count("drift") == 1);
  CHECK(b.raised["drift"] - 120.0 <= 180.0);
  CHECK(b.raised.count("jump") == 0);
}

TEST_CASE("a turn at full speed, reported a second late, is no drift") {
  Bridge b(kSite);
  double east = 0.0, north = 0.0, late = 0.0;
  for (int i = 0; i < 400; ++i) {
    const double course = i * 3 % 360;
    b.report(0, off(east, north), 20.0, late);
    b.second();
    late = course;
    east += 20.0 * kKnot * std::sin(course * kDegree);
    north += 20.0 * kKnot * std::cos(course * kDegree);
  }
  CHECK(b.raised.empty());
}

TEST_CASE("a jump is a jump and no drift") {
  Bridge b(kSite);
  double north = 0.0, error = 0.0;
  sail(b, 60, north, error);
  for (int i = 0; i < 20; ++i) {
    b.report(0, off(60'000, north), 6.0, 0.0);
    b.second();
    north += 6.0 * kKnot;
  }
  CHECK(b.raised.count("jump") == 1);
  CHECK(b.raised.count("drift") == 0);
  CHECK(b.raised.count("off_place") == 1);
}

TEST_CASE("a post that does not move is told when its position leaves its place") {
  Bridge b(kSite);
  for (int i = 0; i < 60; ++i) {
    b.fix(0, off(0, 0.1 * (i % 7)));
    b.second();
  }
  CHECK(b.raised.empty());
  double away = 0.0;
  for (int i = 0; i < 300 && b.raised.count("off_place") == 0; ++i) {
    b.fix(0, off(0, away += 30.0));
    b.second();
  }
  CHECK(b.raised.count("off_place") == 1);
  CHECK(away > 3 * 1852.0);
  CHECK(away < 3 * 1852.0 + 200.0);
}

TEST_CASE("own position that is no longer heard is stale, by time alone") {
  Bridge b(kSite);
  double north = 0.0, error = 0.0;
  sail(b, 30, north, error);
  for (int i = 0; i < 20; ++i) {
    b.second();
  }
  REQUIRE(b.raised.count("stale") == 1);
  CHECK(b.raised["stale"] - 30.0 <= 13.0);
  CHECK(b.shard().causes().has(Cause::own_in_doubt));
  sail(b, 3, north, error);
  CHECK(b.cleared.count("stale") == 1);
  CHECK_FALSE(b.shard().causes().has(Cause::own_in_doubt));
}

TEST_CASE("satellites whose signal fades are told, before anything is wrong with the position") {
  Bridge b(kSite);
  double north = 0.0, error = 0.0;
  const auto hear = [&](int seconds, std::uint8_t count, std::uint8_t signal_db) {
    for (int i = 0; i < seconds; ++i) {
      b.satellites(0, count, signal_db);
      sail(b, 1, north, error);
    }
  };
  hear(300, 10, 42);
  SUBCASE("their signal") {
    hear(60, 10, 32);
  }
  SUBCASE("their number") {
    hear(60, 3, 42);
  }
  REQUIRE(b.raised.count("weak") == 1);
  CHECK(b.raised["weak"] - 300.0 <= 45.0);
  CHECK_FALSE(b.shard().causes().has(Cause::own_in_doubt));
}

TEST_CASE("what relies on own position says so while that is in doubt, and nothing else does") {
  Bridge b(kSite);
  double north = 0.0, error = 0.0;
  sail(b, 30, north, error);
  for (int i = 0; i < 15; ++i) {  // our receiver is silent; two ships come
    b.second();
  }
  REQUIRE(b.raised.count("stale") == 1);
  for (int i = 0; i < 5; ++i) {
    b.ais(230000001, off(500, 500.0 + 15.0 * i));
    b.second();
  }
  REQUIRE(b.raised.count("entered") == 1);
  CHECK(b.changed["entered"].own_in_doubt == 1);
  CHECK(b.changed["entered"].confidence == 0.5);
  REQUIRE(b.raised.count("fast") == 1);
  CHECK(b.changed["fast"].own_in_doubt == 0);
  CHECK(b.changed["fast"].confidence == 1.0);
}
