// Purpose: a site file by seed: every bound small enough to be reached.
#pragma once

#include <string>

#include "sim/random.hpp"

namespace vedette::sim {

std::string site_of(Random& random);

}  // namespace vedette::sim
