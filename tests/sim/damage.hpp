// Purpose: what a disk does to the journal's bytes beside losing writes: garbage behind the last
// whole block, a block at the wrong place, a block that cannot be read any more.
#pragma once

#include <cstdint>
#include <string>

#include "sim/random.hpp"

namespace vedette::sim {

// Garbage after the last valid block, as from a failed write, half of the times.
void spoil_the_end(Random& random, const std::string& journal);
// A disk that misplaces a block is beyond repair, but reading must report it wherever the block
// went. The block is restored afterwards. What was done, or nothing.
std::string misdirect(Random& random, const std::string& journal);
// Spoils a block of the last segment that has a later whole one. What was done, or nothing.
std::string spoil_a_block(Random& random, const std::string& journal);

}  // namespace vedette::sim
