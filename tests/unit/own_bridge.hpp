// Purpose: own ship's sources in memory, second by second, and what is judged of them: for the
// tests of own position.
#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "unit/test.hpp"

namespace vedette::tests {

inline constexpr Place kHere{60.0, 25.0};
inline constexpr std::uint64_t kOwnMmsi = 230035780;

inline Place off(double east, double north) {
  return moved(kHere, east, north);
}

class Bridge {
 public:
  explicit Bridge(const std::string& site) : plan_(load_site(site, bytes_)) {
    REQUIRE(plan_ != nullptr);
    engine_ = std::make_unique<ShardInMemory>(*plan_);
  }

  std::map<std::string, double> raised, cleared;    // first time, s
  std::map<std::string, AssessmentChange> changed;  // the first of each
  std::multiset<TrackChangeKind> changes;           // of own ship
  std::vector<Reason> reasons;                      // last second's observations

  void fix(std::uint16_t source, Place at, double knots = 0.0) {
    Observation o = at_place(IdentityKind::own, 0, at);
    o.speed_mm_s = to_int32(knots * 514.4);
    o.set(Field::speed);
    o.set(Field::course);
    REQUIRE(engine_->put(o, now(), source));
  }
  // With a speed and course of their own.
  void report(std::uint16_t source, Place at, double knots, double course) {
    Observation o = at_place(IdentityKind::own, 0, at);
    o.speed_mm_s = to_int32(knots * 514.4);
    o.course_e6 = to_int32(course * 1e6);
    o.set(Field::speed);
    o.set(Field::course);
    REQUIRE(engine_->put(o, now(), source));
  }
  // By compass and log.
  void steer(std::uint16_t source, double heading, double knots) {
    Observation o{};
    o.kind = IdentityKind::own;
    o.heading_e6 = to_int32(heading * 1e6);
    o.water_speed_mm_s = to_int32(knots * 514.4);
    o.set(Field::heading);
    o.set(Field::water_speed);
    REQUIRE(engine_->put(o, now(), source));
  }
  void satellites(std::uint16_t source, std::uint8_t count, std::uint8_t signal_db) {
    Observation o{};
    o.kind = IdentityKind::own;
    o.satellites = count;
    o.signal_db = signal_db;
    o.set(Field::satellites);
    o.set(Field::signal);
    REQUIRE(engine_->put(o, now(), source));
  }
  void ais(std::uint64_t mmsi, Place at, bool by_wire = false, std::uint16_t source = 1) {
    Observation o = at_place(IdentityKind::vessel, mmsi, at);
    o.own_report = by_wire ? 1 : 0;
    REQUIRE(engine_->put(o, now(), source));
  }
  void second() {
    reasons.clear();
    while (engine_->backlog() != 0 || engine_->shard().unfinished()) {
      step();
    }
    t_ += 1.0;
    step();
    while (engine_->shard().unfinished()) {
      step();
    }
  }
  double time() const { return t_; }
  const Track& own() {
    const TrackTable& tracks = engine_->shard().tracks();
    const std::uint32_t i = tracks.find(track_key(IdentityKind::own, 0));
    REQUIRE(i != TrackTable::kNone);
    return tracks[i];
  }
  double own_is_off() {
    const Offset o = offset_between(kHere, {own().latitude, own().longitude}, parallel_at(60.0));
    return std::hypot(o.east, o.north);
  }
  engine::Shard& shard() { return engine_->shard(); }

 private:
  std::int64_t now() const {
    return 1'700'006'400'000'000'000 + static_cast<std::int64_t>(t_ * 1e9);
  }
  static Observation at_place(IdentityKind kind, std::uint64_t identity, Place at) {
    Observation o{};
    o.kind = kind;
    o.identity = identity;
    o.latitude_e7 = static_cast<std::int32_t>(std::lround(at.latitude * 1e7));
    o.longitude_e7 = static_cast<std::int32_t>(std::lround(at.longitude * 1e7));
    o.set(Field::position);
    return o;
  }
  void step() {
    engine_->step_into_nothing(now(), {}, [&](const EventHeader& event, Bytes payload) {
      if (event.kind == EventKind::assessment) {
        const auto change = payload_as<AssessmentChange>(payload);
        auto& into = change.transition == Transition::cleared ? cleared : raised;
        const auto* rule = plan_->assessments()->Get(change.assessment);
        if (into.emplace(rule->name()->str(), t_).second) {
          changed[rule->name()->str()] = change;
        }
      } else if (event.kind == EventKind::track) {
        const auto change = payload_as<TrackChange>(payload);
        if (change.key == track_key(IdentityKind::own, 0)) {
          changes.insert(change.change);
        }
      } else if (event.kind == EventKind::observation) {
        reasons.push_back(event.state.reason());
      }
    });
  }

  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_;
  std::unique_ptr<ShardInMemory> engine_;
  double t_ = 0.0;
};

}  // namespace vedette::tests
