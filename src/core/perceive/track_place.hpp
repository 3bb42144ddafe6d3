// Purpose: the fields of a track that derive from its position. Runs on: the engine thread.
#pragma once

#include "model/track.hpp"

namespace vedette::perceive {

// A grid cell's trigonometry serves a track for kilometres, with the shortest series in between. It
// depends on the angle alone, not on the track's history.
inline constexpr double kCellsPerDegree = 16.0;

// Fills ecef, normal, parallel and meridian. Until then the former cell's trigonometry serves,
// which is near enough.
void refresh_place(Track& track);

}  // namespace vedette::perceive
