// Purpose: whether a polygon of a site file is an area: its corners lie close enough together to
// tell inside from outside, its edges do not cross, and it encloses something.
// In: latitude and longitude of each corner, degrees. Out: what is wrong, and what to write.
// Bound: limits::kZonePoints corners; each pair of edges is looked at. Runs on: cold threads.
#pragma once

#include <string>
#include <vector>

namespace vedette::plan {

struct ShapeProblem {
  std::string message;  // empty: it is one
  std::string help;
};

ShapeProblem check_outline(const std::vector<double>& points);

}  // namespace vedette::plan
