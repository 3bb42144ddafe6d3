// A name heard at two places is believed at either until one is refuted; its alarms stay raised.
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr const char* kSite = R"(
site = "bridge"
[limits]
tracks = 1024
[source.line]
driver = "udp"
listen = "127.0.0.1:1"
codec = "nmea0183"
[assess.close]
of = "track"
kinds = ["vessel"]
when = "distance(track, own) < 1 nmi"
alarm_when = "distance(track, own) < 0.2 nmi"
clear = "10 s"
[assess.collision]
of = "track"
kinds = ["vessel"]
when = "cpa(track, own) < 0.5 nmi and tcpa(track, own) < 40 min and tcpa(track, own) > 0 s"
clear = "10 s"
[assess.two_places]
of = "track"
kinds = ["vessel"]
when = "track.in_doubt"
[decide.d]
on = "close"
trigger = "both"
run = "a"
[action.a]
sink = "l"
[sink.l]
driver = "log"
)";
constexpr const char* kNames[] = {"close", "collision", "two_places"};
constexpr Place kOwn{59.7, 24.95};
constexpr std::uint64_t kMmsi = 230000009;

class Bridge {
 public:
  Bridge() : plan_(load_site(kSite, bytes_)) {
    REQUIRE(plan_ != nullptr);
    engine_ = std::make_unique<ShardInMemory>(*plan_);
  }
  std::map<std::string, int> raised, cleared;
  std::map<TrackChangeKind, int> changes;
  std::vector<ActionIntent> intents;

  void report(std::uint64_t mmsi, double east, double north, double north_speed = 0.0) {
    Observation o{};
    const Place at = moved(kOwn, east, north);
    o.kind = IdentityKind::vessel;
    o.identity = mmsi;
    o.latitude_e7 = static_cast<std::int32_t>(std::lround(at.latitude * 1e7));
    o.longitude_e7 = static_cast<std::int32_t>(std::lround(at.longitude * 1e7));
    o.speed_mm_s = static_cast<std::int32_t>(std::abs(north_speed) * 1e3);
    o.course_e6 = north_speed < 0.0 ? 180'000'000 : 0;
    for (const Field f : {Field::position, Field::speed, Field::course}) {
      o.set(f);
    }
    REQUIRE(engine_->put(o, now()));
  }
  void second() {
    Observation o{};
    o.kind = IdentityKind::own;
    o.latitude_e7 = static_cast<std::int32_t>(std::lround(kOwn.latitude * 1e7));
    o.longitude_e7 = static_cast<std::int32_t>(std::lround(kOwn.longitude * 1e7));
    o.set(Field::position);
    REQUIRE(engine_->put(o, now()));
    ++t_;
    do {
      engine_->step_into_nothing(now(), {}, [&](const EventHeader& event, Bytes payload) {
        if (event.kind == EventKind::assessment) {
          const auto change = payload_as<AssessmentChange>(payload);
          if (change.transition != Transition::level_changed) {
            ++(change.transition == Transition::cleared ? cleared
                                                        : raised)[kNames[change.assessment]];
          }
        } else if (event.kind == EventKind::track) {
          ++changes[payload_as<TrackChange>(payload).change];
        } else if (event.kind == EventKind::action) {
          intents.push_back(payload_as<ActionIntent>(payload));
        }
      });
    } while (engine_->backlog() != 0 || engine_->shard().unfinished());
  }
  const Track& track(std::uint64_t mmsi) {
    const TrackTable& tracks = engine_->shard().tracks();
    const std::uint32_t i = tracks.find(track_key(IdentityKind::vessel, mmsi));
    REQUIRE(i != TrackTable::kNone);
    return tracks[i];
  }
  double north_of_own(std::uint64_t mmsi) {
    return offset_between(kOwn, {track(mmsi).latitude, track(mmsi).longitude}, parallel_at(59.7))
        .north;
  }
  engine::Shard& shard() { return engine_->shard(); }

 private:
  std::int64_t now() const { return 1'700'006'400'000'000'000 + t_ * 1'000'000'000; }

  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_;
  std::unique_ptr<ShardInMemory> engine_;
  std::int64_t t_ = 0;
};

// A true ship approaches, and an attacker sends its name from elsewhere three times a second.
void attack(Bridge& b, int seconds, bool true_one_goes_on) {
  for (int i = 0; i < seconds; ++i) {
    for (int n = 0; n < 3; ++n) {
      b.report(kMmsi, 0, 100'000, 2.5);
    }
    if (true_one_goes_on && i % 3 == 0) {
      b.report(kMmsi, 0, 1500.0 - i, -1.0);
    }
    b.second();
  }
}

}  // namespace

TEST_CASE("an alarm is not cleared because the same name now reports elsewhere") {
  Bridge b;
  for (int i = 0; i < 30; ++i) {
    b.report(kMmsi, 0, 1530.0 - i, -1.0);
    b.second();
  }
  REQUIRE(b.raised["close"] == 1);
  REQUIRE(b.raised["collision"] == 1);
  SUBCASE("while the true one goes on, the belief is where it is") {
    attack(b, 200, true);
    CHECK(b.cleared["close"] == 0);
    CHECK(b.cleared["collision"] == 0);
    CHECK(b.north_of_own(kMmsi) < 1500.0);
    CHECK(b.changes[TrackChangeKind::returned] == 1);
    CHECK(b.changes[TrackChangeKind::reacquired] <= 1);
  }
  SUBCASE("while the true one is silent") {
    attack(b, 300, false);
    CHECK(b.cleared["close"] == 0);
    CHECK(b.cleared["collision"] == 0);
    // It is believed elsewhere only when it would be lost.
    attack(b, 100, false);
    CHECK(b.cleared["close"] == 1);
    CHECK(b.cleared["two_places"] == 1);
  }
  SUBCASE("and is, once the true one is seen to be clear") {
    attack(b, 30, true);
    for (int i = 0; i < 120; ++i) {
      b.report(kMmsi, 0, 100'000, 2.5);
      b.report(kMmsi, 0, 1470.0 + 10.0 * i, 10.0);
      b.second();
    }
    CHECK(b.cleared["close"] == 1);
    CHECK(b.cleared["collision"] == 1);
  }
}

TEST_CASE("what is reckoned to have passed stays alarmed until its place is heard again") {
  Bridge b;
  for (int i = 0; i < 30; ++i) {
    b.report(kMmsi, 0, 1600.0 - 10.0 * i, -10.0);
    b.second();
  }
  REQUIRE(b.raised["collision"] == 1);
  attack(b, 200, false);  // dead reckoning passes us after 131 s
  CHECK(b.cleared["collision"] == 0);
}

TEST_CASE("what is so at the second place is told of that place") {
  Bridge b;
  for (int i = 0; i < 30; ++i) {
    b.report(kMmsi, 0, 30'000);
    b.second();
  }
  for (int i = 0; i < 30; ++i) {  // believed there, then heard at its former place
    b.report(kMmsi, 0, 5'000);
    b.second();
  }
  CHECK(b.changes[TrackChangeKind::reacquired] == 1);
  for (int i = 0; i < 80; ++i) {
    b.report(kMmsi, 0, 30'000);
    b.report(kMmsi, 0, 5'000 - 50.0 * i);
    b.second();
  }
  CHECK(b.north_of_own(kMmsi) > 29'000);
  REQUIRE(b.intents.size() == 1);
  const Offset at =
      offset_between(kOwn, {b.intents[0].latitude, b.intents[0].longitude}, parallel_at(59.7));
  CHECK(std::abs(at.north) < 2000.0);
}

TEST_CASE("where no more second places can be kept, a jump is not believed, and counted") {
  Bridge b;
  constexpr std::uint64_t kMany = limits::kSecondPlaces + 10;
  const auto all_report = [&](double north) {
    for (std::uint64_t i = 0; i < kMany; ++i) {
      b.report(1000 + i, 3000.0 * static_cast<double>(i), north);
    }
    b.second();
  };
  for (int i = 0; i < 3; ++i) {
    all_report(10'000);
  }
  for (int i = 0; i < 5; ++i) {
    all_report(90'000);
  }
  std::size_t moved_on = 0;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    moved_on += b.north_of_own(1000 + i) > 50'000 ? 1 : 0;
  }
  CHECK(moved_on == limits::kSecondPlaces);
  CHECK(b.shard().second_places().size() == limits::kSecondPlaces);
  CHECK(b.shard().second_places().refused() >= 10);
}

TEST_CASE("both places of a name come back from a snapshot") {
  Bridge b;
  for (int i = 0; i < 10; ++i) {
    b.report(kMmsi, 0, 1500);
    b.second();
  }
  attack(b, 10, true);
  std::vector<std::uint8_t> frozen(1 << 23);
  Freezer out(frozen);
  b.shard().freeze(out);
  REQUIRE(out.ok());
  Bridge again;
  REQUIRE(!again.shard().thaw(Bytes(frozen).first(out.used())));
  CHECK(again.shard().second_places().size() == 1);
  std::vector<std::uint8_t> twice(1 << 23);
  Freezer second(twice);
  again.shard().freeze(second);
  REQUIRE(second.used() == out.used());
  CHECK(std::memcmp(frozen.data(), twice.data(), out.used()) == 0);
}
