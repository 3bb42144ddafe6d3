// Purpose: two positions of one thing whose errors may have come from one source, as of two nodes
// that heard the same report, made one (Julier and Uhlmann 1997). Runs on: the engine thread; no
// allocation; the same bits on every CPU.
#pragma once

#include <array>

namespace vedette::perceive {

struct Known {
  std::array<double, 2> position;                   // m east and north
  std::array<std::array<double, 2>, 2> covariance;  // m^2
};
// The weight is that which makes the fused covariance's determinant least, to a thousandth.
Known intersect(const Known& a, const Known& b);

}  // namespace vedette::perceive
