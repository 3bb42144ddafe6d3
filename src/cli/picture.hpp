// Purpose: the geometry of a story as an SVG picture: own ship and the track, where each is going
// until the closest approach, that distance, the zones of the rule, north and a scale. In: a story
// with a position. Out: SVG, to be read on white. Runs on: cold threads.
#pragma once

#include <string>

#include "cli/story.hpp"

namespace vedette::cli {

// Empty: the story has no position.
std::string picture_of(const Story& story);

}  // namespace vedette::cli
