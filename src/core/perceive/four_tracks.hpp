// Purpose: a position for each of four tracks, taken by their filters side by side.
// Runs on: the engine thread; the same bits as one after the other.
#pragma once

#include <array>
#include <cstdint>

#include "base/geo.hpp"
#include "base/lanes.hpp"
#include "model/tracker.hpp"

namespace vedette::perceive {

// Of a track that has a place, at a time not before its filter's.
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

// Takes those of `wanted` (bit i: fixes[i]) that lie where they may, on tracks that are all
// different, and answers which these are. The others - a jump, a manoeuvre, a long way, a pole, the
// date line - want a closer look, and their tracks are as they were.
unsigned take_ordinary(const std::array<Fix, kLanes>& fixes, unsigned wanted);
// By the vectors that every processor has, and by wider ones: the same bits.
unsigned take_ordinary_base(const std::array<Fix, kLanes>& fixes, unsigned wanted);
unsigned take_ordinary_wide(const std::array<Fix, kLanes>& fixes, unsigned wanted);

}  // namespace vedette::perceive
