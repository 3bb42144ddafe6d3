// Purpose: updates four tracks' filters by a position each, in SIMD. Runs on: the engine thread;
// the same bits as one after the other.
#pragma once

#include <array>
#include <cstdint>

#include "base/geo.hpp"
#include "base/lanes.hpp"
#include "model/tracker.hpp"

namespace vedette::perceive {

// For a track with a position, at a time not before its filter's.
struct Fix {
  Track* track;
  const Tracker* tracker;
  Place measured;
  double sigma;  // m
  std::int64_t ns;
  bool has_velocity;
  double speed;   // m/s
  double course;  // radians
};

// Takes the ordinary ones among `wanted` (bit i: fixes[i]) and returns which; all tracks must
// differ. The rest (a jump, a manoeuvre, a long way, a pole, the date line) need the scalar path,
// and their tracks are unchanged.
unsigned take_ordinary(const std::array<Fix, kLanes>& fixes, unsigned wanted);
// With baseline vectors, and with wider ones: the same bits.
unsigned take_ordinary_base(const std::array<Fix, kLanes>& fixes, unsigned wanted);
unsigned take_ordinary_wide(const std::array<Fix, kLanes>& fixes, unsigned wanted);

}  // namespace vedette::perceive
