// Purpose: what of a track follows from its place alone. Runs on: the engine thread.
#pragma once

#include "model/track.hpp"

namespace vedette::perceive {

// The trigonometry of a grid this fine lasts a track for kilometres, and what lies between follows
// from it by the shortest series. It is a function of the angle alone: no track's past is in it.
inline constexpr double kCellsPerDegree = 16.0;

// Fills ecef, normal, parallel and meridian. Until then the trigonometry of the place before stands
// in for it, which is near.
void refresh_place(Track& track);

}  // namespace vedette::perceive
