// Purpose: what the world reports, by seed: ships that jump, clocks that go back, radars that miss.
#pragma once

#include <cstdint>
#include <vector>

#include "model/observation.hpp"
#include "sim/random.hpp"

namespace vedette::sim {

struct Report {
  Observation observation;
  std::int64_t at_ns;
};
// Of one of sixty ships.
Report report_of_ship(Random& random, std::int64_t now_ns);
// A sensor's datagram: some of eight moving things, clutter, sometimes late, sometimes without its
// last report.
std::vector<Observation> plots(Random& random, std::int64_t now_ns);

}  // namespace vedette::sim
