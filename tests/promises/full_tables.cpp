// A full track table: evictions, refusals, reports.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

const plan::Plan* site_of(std::vector<std::uint8_t>& bytes, int tracks,
                          const std::string& more = "") {
  return load_site("site = \"full\"\n[limits]\ntracks = " + std::to_string(tracks) +
                       "\nbatch_events = 64\n[source.in]\ndriver = \"udp\"\nlisten = "
                       "\"127.0.0.1:1\"\ncodec = \"ais\"\nhorizon = \"1000 s\"\n" +
                       more,
                   bytes);
}

constexpr std::uint64_t kOwn = track_key(IdentityKind::own, 0);
constexpr std::uint64_t vessel(std::uint64_t mmsi) {
  return track_key(IdentityKind::vessel, mmsi);
}

struct World {
  explicit World(const plan::Plan& plan) : engine(plan) {}

  Observation of(std::uint64_t key) const {
    Observation o;
    o.kind = kind_of(key);
    o.identity = identity_of(key);
    o.set(Field::presence);
    return o;
  }
  void heard(std::uint64_t key) { engine.put(of(key), now); }
  void at(std::uint64_t key, double latitude, double longitude) {
    Observation o = of(key);
    o.latitude_e7 = static_cast<std::int32_t>(latitude * 1e7);
    o.longitude_e7 = static_cast<std::int32_t>(longitude * 1e7);
    o.set(Field::position);
    engine.put(o, now);
  }
  void step() {
    for (auto b = engine.step(now); !b.empty(); b = engine.step(now)) {
      for_each_event(b, [&](const EventHeader& e, Bytes payload) {
        if (e.kind == EventKind::observation) {
          ++reasons[e.state.reason()];
        } else if (e.kind == EventKind::track) {
          const auto t = payload_as<TrackChange>(payload);
          if (t.change == TrackChangeKind::evicted) {
            evicted.emplace_back(t.key, t.why);
          }
        } else if (e.kind == EventKind::assessment) {
          const auto a = payload_as<AssessmentChange>(payload);
          cleared += a.transition == Transition::cleared ? 1 : 0;
        } else if (e.kind == EventKind::cause) {
          ++causes_told;
        }
      });
    }
  }
  const Track* track(std::uint64_t key) {
    const std::uint32_t i = engine.shard().tracks().find(key);
    return i == TrackTable::kNone ? nullptr : &engine.shard().tracks()[i];
  }
  bool full() { return engine.shard().causes().has(Cause::tracks_full); }

  ShardInMemory engine;
  std::int64_t now = kStart;
  std::map<Reason, int> reasons;
  std::vector<std::pair<std::uint64_t, EvictionReason>> evicted;
  int cleared = 0;
  int causes_told = 0;
};

}  // namespace

TEST_CASE("a full table gives up whom it hears nowhere, then the far unconfirmed, then the lost") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = site_of(bytes, 8);
  REQUIRE(plan != nullptr);
  World w(*plan);
  w.at(kOwn, 60, 25);
  w.at(vessel(1), 60.1, 25);
  w.step();
  w.now += kSecond;
  w.at(vessel(1), 60.1, 25);  // confirmed, then silent
  w.step();
  w.now += 400 * kSecond;
  w.at(kOwn, 60, 25);
  w.at(vessel(2), 60.2, 25);
  w.step();
  w.now += kSecond;
  w.at(vessel(2), 60.2, 25);  // confirmed and heard
  w.heard(vessel(10));        // no position
  w.at(vessel(20), 60.3, 25);
  w.at(vessel(21), 61.5, 25);  // the farthest of those seen once
  w.step();
  CHECK_FALSE(w.full());
  CHECK(w.evicted.empty());
  // Each newcomer with a position evicts one.
  for (std::uint64_t n = 0; n < 4; ++n) {
    w.now += kSecond;
    w.at(vessel(30 + n), 60.01, 25);
    w.at(vessel(30 + n), 60.01, 25);
    w.step();
  }
  using Gone = std::vector<std::pair<std::uint64_t, EvictionReason>>;
  CHECK(w.evicted == Gone{{vessel(10), EvictionReason::without_position},
                          {vessel(21), EvictionReason::unconfirmed},
                          {vessel(20), EvictionReason::unconfirmed},
                          {vessel(1), EvictionReason::lost}});
  CHECK(w.full());
  CHECK(w.causes_told == 1);
  // All are confirmed and heard: newcomers take the spare places, the rest are refused.
  for (std::uint64_t n = 0; n < 4; ++n) {
    w.at(vessel(40 + n), 60.01, 25);
    w.at(vessel(40 + n), 60.01, 25);
  }
  w.step();
  CHECK(w.evicted.size() == 4);
  CHECK(w.reasons[Reason::belief_full] > 0);
  CHECK(w.track(vessel(2)) != nullptr);
  CHECK(w.track(kOwn) != nullptr);
  CHECK(w.engine.shard().tracks().size() == 8);
  // It counts as full for ten seconds after the last refusal.
  w.now += 11 * kSecond;
  w.step();
  CHECK_FALSE(w.full());
}

TEST_CASE("own ship finds its place in a table that a flood filled before") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = site_of(bytes, 32);
  REQUIRE(plan != nullptr);
  World w(*plan);
  for (std::uint64_t n = 0; n < 400; ++n) {
    n % 2 == 0 ? w.heard(vessel(1000 + n)) : w.at(vessel(1000 + n), 10, 10);
    w.at(vessel(1000 + n), 10, 10);  // half of them confirmed
  }
  w.step();
  CHECK(w.reasons[Reason::belief_full] + w.reasons[Reason::kind_full] > 0);
  w.at(kOwn, 60, 25);
  w.step();
  REQUIRE(w.track(kOwn) != nullptr);
  CHECK(w.track(kOwn)->updates == 1);
}

TEST_CASE("own ship finds its place where no other track gives way") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = site_of(bytes, 32, "[tracker.vessel]\nmost = 32\n");
  REQUIRE(plan != nullptr);
  World w(*plan);
  for (std::uint64_t n = 0; n < 40; ++n) {
    for (int times = 0; times < 3; ++times) {  // confirmed
      w.at(vessel(1000 + n), 10, 10);
    }
    w.step();
  }
  CHECK(w.evicted.empty());
  CHECK(w.reasons[Reason::belief_full] > 0);
  w.at(kOwn, 60, 25);
  w.step();
  CHECK(w.track(kOwn) != nullptr);
}

TEST_CASE("one kind does not take the places of all others") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = site_of(bytes, 64, "[tracker.aircraft]\nmost = 10\n");
  REQUIRE(plan != nullptr);
  World w(*plan);
  for (std::uint64_t n = 0; n < 200; ++n) {
    for (int twice = 0; twice < 2; ++twice) {  // confirmed
      w.at(vessel(1000 + n), 10, 10);
      w.at(track_key(IdentityKind::aircraft, 1000 + n), 10, 10);
    }
    w.step();
  }
  const TrackTable& tracks = w.engine.shard().tracks();
  CHECK(tracks.size_of(IdentityKind::aircraft) == 10);
  CHECK(tracks.size_of(IdentityKind::vessel) <= limits::usual_share(64));
  CHECK(w.reasons[Reason::kind_full] > 0);
  // Aids to navigation come after both floods and use their reserved places.
  w.at(track_key(IdentityKind::aid, 1), 60, 25);
  w.step();
  CHECK(w.track(track_key(IdentityKind::aid, 1)) != nullptr);
}

TEST_CASE("an alarm that stands keeps its track's place; what else was raised is cleared by name") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = site_of(bytes, 16, R"([assess.seen]
of = "track"
when = "track.updates >= 1"
[assess.close]
of = "track"
when = "track.updates >= 1 and distance(track, own) < 1 km"
alarm = 0
)");
  REQUIRE(plan != nullptr);
  World w(*plan);
  w.at(kOwn, 60, 25);
  w.at(vessel(1), 60.001, 25);
  w.step();
  for (std::uint64_t n = 0; n < 200; ++n) {
    w.at(vessel(1000 + n), 10 + static_cast<double>(n % 50), 10);
    w.step();
  }
  CHECK(w.track(vessel(1)) != nullptr);
  CHECK(w.evicted.size() > 100);
  CHECK(w.cleared == static_cast<int>(w.evicted.size()));
}

TEST_CASE("no flood takes the place of a track that was confirmed before and is heard") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = site_of(bytes, 128);
  REQUIRE(plan != nullptr);
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    World w(*plan);
    const std::uint64_t honest = 20 + random() % 80;
    const auto all = [&] {
      w.at(kOwn, 60, 25);
      for (std::uint64_t n = 0; n < honest; ++n) {
        w.at(vessel(n + 1), 60 + 0.01 * static_cast<double>(n), 25);
        if (n % 32 == 31) {
          w.step();
        }
      }
      w.step();
    };
    all();
    w.now += 10 * kSecond;
    all();
    std::uint64_t next_false = 1'000'000;
    for (int round = 0; round < 40; ++round) {
      w.now += 10 * kSecond;
      for (int n = 0; n < 100; ++n) {
        const auto kind = static_cast<IdentityKind>(2 + random() % 5);
        const std::uint64_t key =
            track_key(kind, random() % 4 == 0 ? next_false - random() % 64 : next_false++);
        random() % 2 == 0 ? w.heard(key)
                          : w.at(key, 50 + static_cast<double>(random() % 20),
                                 static_cast<double>(random() % 40));
        if (random() % 8 == 0) {
          w.step();
        }
      }
      w.step();
      all();
    }
    for (std::uint64_t n = 0; n < honest; ++n) {
      REQUIRE(w.track(vessel(n + 1)) != nullptr);
      CHECK(w.track(vessel(n + 1))->updates == 42);
    }
    CHECK(w.track(kOwn)->updates == 42);
    CHECK(w.full());
    CHECK(std::none_of(w.evicted.begin(), w.evicted.end(), [&](const auto& gone) {
      return identity_of(gone.first) <= honest && kind_of(gone.first) == IdentityKind::vessel;
    }));
  }
}
