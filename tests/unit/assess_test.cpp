// The life of an assessment while its condition holds and fails, with the maximum of rules.
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>

#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

// A rule for each metre of height; every fourth is for aircraft alone.
std::string heights() {
  std::string site = R"(
site = "heights"
[limits]
tracks = 8
tick = "60 s"
[source.traffic]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
)";
  for (std::size_t i = 0; i < limits::kAssessments; ++i) {
    const std::string n = std::to_string(i);
    site += "[assess.above_" + n + "]\nof = \"track\"\nwhen = \"track.altitude > " + n +
            " m\"\nhold = \"2 s\"\nclear = \"5 s\"\n";
    site += i % 4 == 3 ? "kinds = [\"aircraft\"]\n" : "";
  }
  return site;
}

class Vessel {
 public:
  Vessel() : plan_(load_site(heights(), bytes_)) {
    REQUIRE(plan_ != nullptr);
    engine_ = std::make_unique<ShardInMemory>(*plan_);
  }

  // Which rules change, and how, at this height.
  std::map<int, Transition> at(int second, double metres) {
    const std::int64_t now = kStart + second * kSecond;
    Observation o;
    o.kind = IdentityKind::vessel;
    o.identity = 7;
    o.set(Field::position);
    o.set(Field::altitude);
    o.latitude_e7 = 590'000'000;
    o.longitude_e7 = 240'000'000;
    o.altitude_mm = static_cast<std::int32_t>(metres * 1000);
    engine_->put(o, now);
    std::map<int, Transition> changes;
    for_each_event(engine_->step(now), [&](const EventHeader& event, Bytes payload) {
      if (event.kind == EventKind::assessment) {
        const auto change = payload_as<AssessmentChange>(payload);
        changes[change.assessment] = change.transition;
      }
    });
    return changes;
  }

  assess::Assess::Held held(std::size_t rule) { return engine_->shard().assess().held()[rule]; }

  void restart() {
    std::vector<std::uint8_t> state(engine::frozen_bytes_bound(*plan_));
    Freezer freezer(state);
    engine_->shard().freeze(freezer);
    REQUIRE(freezer.ok());
    engine_ = std::make_unique<ShardInMemory>(*plan_);
    REQUIRE(!engine_->shard().thaw(Bytes(state.data(), freezer.used())));
  }

 private:
  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_;
  std::unique_ptr<ShardInMemory> engine_;
};

// For vessels' rules from `from` up to `to`, exclusive.
std::map<int, Transition> all(int from, int to, Transition transition) {
  std::map<int, Transition> changes;
  for (int i = from; i < to; ++i) {
    if (i % 4 != 3) {
      changes[i] = transition;
    }
  }
  return changes;
}

}  // namespace

TEST_CASE("an assessment is raised when its condition has held, and cleared when it has not") {
  for (const bool restarts : {false, true}) {
    Vessel vessel;
    CHECK(vessel.at(0, 50.5).empty());
    CHECK(vessel.at(1, 50.5).empty());
    CHECK(vessel.at(2, 50.5) == all(0, 51, Transition::raised));
    CHECK(vessel.at(3, 63.5).empty());
    CHECK(vessel.at(4, 20.5).empty());  // a pending raise is dropped
    CHECK(vessel.at(5, 63.5).empty());  // a pending clear is dropped
    CHECK(vessel.at(6, 20.5).empty());
    if (restarts) {
      vessel.restart();
    }
    CHECK(vessel.at(10, 20.5).empty());
    CHECK(vessel.at(11, 20.5) == all(21, 51, Transition::cleared));
    CHECK(vessel.at(12, 60.5).empty());
    CHECK(vessel.at(14, 60.5) == all(21, 61, Transition::raised));
    // What the delays held down is counted, across restarts.
    CHECK(vessel.held(54).brief == 2);
    CHECK(vessel.held(54).returned == 0);
    CHECK(vessel.held(30).brief == 0);
    CHECK(vessel.held(30).returned == 1);
  }
}

TEST_CASE("tracks judged in one step are judged as each in a step of its own") {
  constexpr std::string_view kSite = R"toml(
site = "crowd"
[limits]
tracks = 64
tick = "60 s"
[source.traffic]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[zone.ring]
centre = [59.0, 24.0]
radius = "5 km"
[assess.fast]
of = "track"
when = "track.speed > 10 kn and track.updates > 2"
[assess.high]
of = "track"
when = "track.altitude > 500 m"
[assess.inside]
of = "track"
when = "inside(track, ring)"
[assess.near]
of = "track"
when = "distance(track, own) < 2 nmi"
[assess.close]
of = "track"
when = "cpa(track, own) < 0.5 nmi and tcpa(track, own) < 12 min"
[assess.vague]
of = "track"
when = "track.sigma > 12 m"
kinds = ["vessel"]
)toml";
  using Changes = std::map<std::pair<std::uint64_t, int>, std::tuple<Transition, Level, double>>;
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(kSite, bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory together(*plan), apart(*plan);
  std::mt19937_64 random(3);
  const auto one_of = [&](std::uint64_t count) { return random() % count; };
  std::array<std::size_t, 6> changed{};
  // The tick takes the first step and its sweep the second; there are no others.
  for (ShardInMemory* engine : {&together, &together, &apart, &apart}) {
    engine->step(kStart);
  }
  for (int second = 1; second < 60; ++second) {
    const std::int64_t now = kStart + second * kSecond;
    Changes in_one, one_by_one;
    const auto step = [&](ShardInMemory& engine, Changes& changes) {
      for_each_event(engine.step(now), [&](const EventHeader& event, Bytes payload) {
        if (event.kind == EventKind::assessment) {
          const auto c = payload_as<AssessmentChange>(payload);
          changes[{c.subject.key, c.assessment}] = {c.transition, c.level, c.confidence};
          ++changed[c.assessment];
        }
      });
    };
    // Each at most once, in any number: groups of four of one kind, and a rest.
    for (std::uint64_t who = 0; who < 40; ++who) {
      if (who != 0 && one_of(3) == 0) {
        continue;
      }
      Observation o;
      o.kind = who == 0       ? IdentityKind::own
               : who % 13 < 8 ? IdentityKind::vessel
                              : IdentityKind::aircraft;
      o.identity = who;
      for (const Field f : {Field::position, Field::altitude, Field::speed, Field::course}) {
        if (f == Field::position || one_of(4) != 0) {
          o.set(f);
        }
      }
      o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + who * 20'000 + one_of(1000));
      o.longitude_e7 = static_cast<std::int32_t>(240'000'000 + one_of(1000));
      o.altitude_mm = static_cast<std::int32_t>(one_of(1'000'000));
      o.speed_mm_s = static_cast<std::int32_t>(one_of(15'000));
      o.course_e6 = static_cast<std::int32_t>(one_of(360'000'000));
      together.put(o, now);
      apart.put(o, now);
      step(apart, one_by_one);
    }
    step(together, in_one);
    REQUIRE(in_one == one_by_one);
  }
  for (const std::size_t times : changed) {
    CHECK(times > 20);
  }
}
