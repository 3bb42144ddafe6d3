// Purpose: what of a track follows from its place alone. Runs on: the engine thread.
#pragma once

#include "model/track.hpp"

namespace vedette::perceive {

// Fills ecef, normal, parallel and meridian. Until then the trigonometry of the place before stands
// in for it, which is near.
void refresh_place(Track& track);

}  // namespace vedette::perceive
