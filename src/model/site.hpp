// Purpose: what the plan declares of the site, unpacked once for all stages: motion, own ship,
// sensors, zones. In: a plan, which outlives it. Bound: the plan's sensors and zones. Runs on: made
// at start, only read afterwards.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "model/limits.hpp"
#include "model/plan_generated.h"
#include "model/sensor.hpp"
#include "model/track_room.hpp"
#include "model/tracker.hpp"
#include "model/zone.hpp"

namespace vedette {

// When to doubt own position.
struct OwnRules {
  double agree_s = 60.0;   // how long an implausible position must last to be believed
  double apart_m = 50.0;   // distance between the antennas on board
  double stale_s = 10.0;   // without a position
  double frozen_s = 15.0;  // with the same position, moving
  double drift_m = 40.0;   // away from the reported course and speed
  bool placed = false;     // the post does not leave `place` by more than `within_m`
  Place place{};
  double within_m = 100.0;
};

// The tracking parameters.
struct TrackingRules {
  Trackers trackers{};
  std::array<std::uint64_t, limits::kOwnIdentities> own_mmsi{};  // MMSIs of our own transponders
  std::size_t own_count = 0;
  std::uint32_t own_sources = ~0U;  // bit i: source i may report own ship
  OwnRules own;
  TrackRoom room;

  const Tracker& of(IdentityKind kind) const { return trackers[static_cast<std::size_t>(kind)]; }
};

struct Site {
  const plan::Plan* plan = nullptr;
  TrackingRules rules;
  // A thing first heard within this distance (m) of own ship, by a source that has listened this
  // long (s), is sudden.
  double sudden_within_m = 0.0;
  double sudden_after_s = 0.0;
  std::span<const Sensor> sensors;
  std::span<const Zone> zones;

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const plan::Plan& plan);
};

// Most actions that a change of an assessment orders, if every decision is about it.
std::size_t orders_of_decisions(const plan::Plan& plan);

}  // namespace vedette
