// Purpose: writes what an action's message says, from its pieces in the plan and what is judged.
// In: pieces, a view. Out: text for people, frozen with the intent. Bound: limits::kMessageBytes; a
// longer one is cut at a character and ends with an ellipsis. Fails as: a value that is unknown,
// with all its fallbacks, is written as "unknown". Runs on: the engine thread; allocates nothing.
#pragma once

#include <span>

#include "core/assess/condition.hpp"
#include "model/limits.hpp"

namespace vedette::assess {

using Pieces = flatbuffers::Vector<flatbuffers::Offset<plan::Piece>>;

// Fills `out` up with zeros.
void write_message(const Pieces& pieces, const View& view,
                   std::span<char, limits::kMessageRoom> out);

}  // namespace vedette::assess
