// Purpose: whether a polygon of a site file encloses an area: its corners lie close enough together
// to tell inside from outside, its edges do not cross, and its area is not zero. In: latitude and
// longitude of each corner, degrees. Out: the error and its remedy. Bound: limits::kZonePoints
// corners, each pair of edges. Runs on: cold threads.
#pragma once

#include <string>
#include <vector>

namespace vedette::plan {

struct ShapeProblem {
  std::string message;  // empty: valid
  std::string help;
};

ShapeProblem check_outline(const std::vector<double>& points);

}  // namespace vedette::plan
