// Pairs of tracks against a search of all with all, on a whole shard.
#include "core/assess/pairs.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
using Pair = std::pair<std::uint64_t, std::uint64_t>;

std::string site(const std::string& when, const std::string& limits = "") {
  return "site = \"shore\"\n[limits]\ntracks = 512\n" + limits + R"(
[source.in]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.near]
of = "pair"
within = "2 km"
when = ")" +
         when + R"("
[decide.near]
on = "near"
trigger = "both"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
[tracker.vessel]
max_speed = "4000 m/s"
lost = "600 s"
retire = "600 s"
)";
}

class Shore {
 public:
  explicit Shore(const std::string& when, const std::string& limits = "")
      : plan_(load_site(site(when, limits), bytes_)) {
    REQUIRE(plan_ != nullptr);
    engine_ = std::make_unique<ShardInMemory>(*plan_);
  }
  void ship(std::uint64_t identity, double latitude, double longitude, double speed = 0.0,
            double course = 0.0, IdentityKind kind = IdentityKind::vessel) {
    Observation o;
    o.kind = kind;
    o.identity = identity;
    o.set(Field::position);
    o.set(Field::speed);
    o.set(Field::course);
    o.latitude_e7 = static_cast<std::int32_t>(latitude * 1e7);
    o.longitude_e7 = static_cast<std::int32_t>(longitude * 1e7);
    o.speed_mm_s = static_cast<std::int32_t>(speed * 1000);
    o.course_e6 = static_cast<std::int32_t>(course * 1e6);
    REQUIRE(engine_->put(o, now_));
  }
  // Steps until nothing is left, and keeps what is raised.
  void settle() {
    for (int n = 0; n < 1000; ++n) {
      const auto batch = engine_->step(now_);
      if (batch.empty()) {
        return;
      }
      std::size_t changes = 0;
      for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
        actions += event.kind == EventKind::action ? 1 : 0;
        if (event.kind != EventKind::assessment) {
          return;
        }
        const auto change = payload_as<AssessmentChange>(payload);
        REQUIRE(change.subject.kind == SubjectKind::pair);
        REQUIRE(change.subject.key < change.subject.other);
        const Pair pair{identity_of(change.subject.key), identity_of(change.subject.other)};
        if (change.transition == Transition::raised) {
          CHECK(raised.insert(pair).second);
        } else if (change.transition == Transition::cleared) {
          CHECK(raised.erase(pair) == 1);
        }
        ++changes;
      });
      CHECK(changes <= assess::Pairs::kChanges);
    }
    FAIL("it never settles");
  }
  void pass(std::int64_t ns) { now_ += ns; }
  // All with all, by the tracks that the shard holds.
  std::set<Pair> expected(double metres) {
    const TrackTable& tracks = engine_->shard().tracks();
    std::set<Pair> pairs;
    for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
      for (std::uint32_t j = 0; j < tracks.high_water(); ++j) {
        if (i != j && tracks.in_use(i) && tracks.in_use(j) && tracks[i].key < tracks[j].key &&
            tracks[i].kind == IdentityKind::vessel && tracks[j].kind == IdentityKind::vessel &&
            chord_squared(tracks[i], tracks[j]) < metres * metres) {
          pairs.insert({identity_of(tracks[i].key), identity_of(tracks[j].key)});
        }
      }
    }
    return pairs;
  }
  void restart() {
    std::vector<std::uint8_t> state(engine::frozen_bytes_bound(*plan_));
    Freezer freezer(state);
    engine_->shard().freeze(freezer);
    REQUIRE(freezer.ok());
    auto other = std::make_unique<ShardInMemory>(*plan_);
    REQUIRE(!other->shard().thaw(Bytes(state.data(), freezer.used())));
    engine_ = std::move(other);
  }
  const assess::Pairs& pairs() { return engine_->shard().pairs(); }
  Causes causes() { return engine_->shard().causes(); }

  std::set<Pair> raised;
  std::size_t actions = 0;

 private:
  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_ = nullptr;
  std::unique_ptr<ShardInMemory> engine_;
  std::int64_t now_ = kStart;
};

}  // namespace

TEST_CASE("pairs are those that a search of all with all finds, at poles and the date line too") {
  struct Region {
    double latitude, longitude, size;
  };
  for (const Region region : {Region{60, 25, 0.15}, Region{0, 179.99, 0.08}, Region{89.93, 0, 0.06},
                              Region{-45, -179.95, 0.1}}) {
    CAPTURE(region.latitude);
    Shore shore("distance(a, b) < 1500 m", "pairs = 4000\n");
    std::mt19937 random(7);
    const auto place = [&](double middle) {
      return middle + region.size * (static_cast<double>(random() % 2001) / 1000.0 - 1.0);
    };
    for (int round = 0; round < 30; ++round) {
      shore.pass(20 * kSecond);
      for (int n = 0; n < 20; ++n) {
        const double wide = region.latitude > 80 ? static_cast<double>(random() % 360) - 180.0
                                                 : place(region.longitude);
        const double longitude = wide > 180 ? wide - 360 : wide < -180 ? wide + 360 : wide;
        shore.ship(1 + random() % 120, place(region.latitude), longitude);
      }
      shore.settle();
      REQUIRE(shore.raised == shore.expected(1500.0));
      if (round % 10 == 9) {
        shore.restart();
      }
    }
    CHECK(shore.raised.size() > 5);
    CHECK(shore.pairs().refused() == 0);
  }
}

TEST_CASE("two that approach each other are told by their closest approach, and when one is gone") {
  Shore shore("cpa(a, b) < 100 m and tcpa(a, b) < 5 min and a.speed + b.speed > 2 kn");
  for (int s = 0; s < 5; ++s) {
    // 1.1 km apart, head on at 5 m/s each.
    shore.ship(1, 60.0 + s * 5 / 111'200.0, 25.0, 5.0, 0.0);
    shore.ship(2, 60.01 - s * 5 / 111'200.0, 25.0, 5.0, 180.0);
    shore.ship(3, 60.0, 25.018, 5.0, 90.0);  // sails off
    shore.pass(kSecond);
    shore.settle();
  }
  CHECK(shore.raised == std::set<Pair>{{1, 2}});
  CHECK(shore.actions == 1);
  shore.restart();
  for (int s = 0; s < 700 && !shore.raised.empty(); ++s) {
    shore.pass(kSecond);
    shore.ship(3, 60.0, 25.018);
    shore.settle();
  }
  CHECK(shore.raised.empty());
  CHECK(shore.actions == 2);
  CHECK(shore.pairs().size() == 0);
}

TEST_CASE(
    "a crowd: what finds no entry is counted and told, and a step changes no more than it may") {
  Shore shore("distance(a, b) < 1 km", "pairs = 100\n");
  for (std::uint64_t i = 0; i < 60; ++i) {
    shore.ship(1 + i, 60.0 + static_cast<double>(i) * 1e-5, 25.0);
  }
  shore.pass(kSecond);
  shore.settle();
  CHECK(shore.raised.size() == 100);
  CHECK(shore.pairs().size() == 100);
  CHECK(shore.pairs().refused() > 0);
  CHECK(shore.causes().has(Cause::pairs_full));
}

TEST_CASE("what a condition asks of a or b is asked of that ship") {
  Shore shore("inside(b, harbour) and not inside(a, harbour) and b.speed > 5 m/s",
              "[zone.harbour]\npoints = [[60.0, 24.99], [60.0, 25.01], [60.02, 25.01], [60.02, "
              "24.99]]\n");
  shore.ship(1, 60.01, 24.98);
  shore.ship(2, 60.01, 25.0, 6.0);
  shore.ship(3, 60.01, 24.985, 6.0);
  shore.ship(4, 60.01, 25.005);
  shore.settle();
  CHECK(shore.raised == std::set<Pair>{{1, 2}});
}

TEST_CASE("in a crowd a track is compared with its nearest; the others are counted") {
  Shore shore("distance(a, b) < 12 m", "pairs = 1000\n");
  for (std::uint64_t i = 0; i < 100; ++i) {
    shore.ship(1 + i, 60.0 + static_cast<double>(i) * 1e-4, 25.0);  // 11 m apart
  }
  shore.pass(kSecond);
  shore.settle();
  CHECK(shore.raised == shore.expected(12.0));
  CHECK(shore.raised.size() == 99);
  CHECK(shore.pairs().refused() > 0);
}

TEST_CASE("a pair that parts is cleared after a restart too") {
  Shore shore("distance(a, b) < 1 km");
  shore.ship(1, 60.0, 25.0);
  shore.ship(2, 60.001, 25.0);
  shore.pass(kSecond);
  shore.settle();
  CHECK(shore.raised.size() == 1);
  shore.restart();
  shore.pass(200 * kSecond);
  shore.ship(2, 61.0, 25.0);
  shore.settle();
  CHECK(shore.raised.empty());
}
