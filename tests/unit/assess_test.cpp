// What becomes of an assessment as its condition holds and does not, for as many rules as there can
// be.
#include <map>
#include <memory>
#include <string>

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

  // Which rules changed, and how, when it is heard at this height.
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

  void restart() {
    std::vector<std::uint8_t> state(node::frozen_bytes_bound(*plan_));
    Freezer freezer(state);
    engine_->shard().freeze(freezer);
    REQUIRE(freezer.ok());
    engine_ = std::make_unique<ShardInMemory>(*plan_);
    Thawer thawer(Bytes(state.data(), freezer.used()));
    REQUIRE(engine_->shard().thaw(thawer));
  }

 private:
  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_;
  std::unique_ptr<ShardInMemory> engine_;
};

// Of the rules for vessels below `to` and not below `from`.
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
    CHECK(vessel.at(4, 20.5).empty());  // what was only on its way is forgotten
    CHECK(vessel.at(5, 63.5).empty());  // what was to be cleared is raised as before
    CHECK(vessel.at(6, 20.5).empty());
    if (restarts) {
      vessel.restart();
    }
    CHECK(vessel.at(10, 20.5).empty());
    CHECK(vessel.at(11, 20.5) == all(21, 51, Transition::cleared));
    CHECK(vessel.at(12, 60.5).empty());
    CHECK(vessel.at(14, 60.5) == all(21, 61, Transition::raised));
  }
}
