// Purpose: a site file by seed: every bound small enough to be reached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/random.hpp"

namespace vedette::sim {

std::string site_of(Random& random);
// The site's plan, with a journal and lanes smaller than a site file may ask for.
std::vector<std::uint8_t> plan_of(const std::string& site, Random& random);

}  // namespace vedette::sim
