#include "core/perceive/measurement.hpp"

#include "base/math.hpp"

namespace vedette::perceive {
namespace {

constexpr double kLogTwoPi = 1.83787706640934548356;

struct Spread {
  double s[2][2];
  double determinant;
};

// H P H' + R.
Spread spread_of(const Innovation& n, const State& state) {
  Spread out;
  double hp[2][2];
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      hp[i][j] = n.h[i][0] * state.p[0][j] + n.h[i][1] * state.p[1][j];
    }
  }
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      out.s[i][j] = hp[i][0] * n.h[j][0] + hp[i][1] * n.h[j][1] + n.r[i][j];
    }
  }
  out.determinant = out.s[0][0] * out.s[1][1] - out.s[0][1] * out.s[1][0];
  return out;
}

}  // namespace

std::array<double, 2> polar_of(double east, double north, double (&d)[2][2]) {
  const double squared = east * east + north * north;
  const double range = det_sqrt(squared);
  d[0][0] = east / range;
  d[0][1] = north / range;
  d[1][0] = north / squared;
  d[1][1] = -east / squared;
  return {range, det_atan2(east, north)};
}

Innovation innovation_of(const Measured& plot, const Offset& at, const State& state) {
  Innovation n{};
  const double away[2] = {state.x[0] - at.east, state.x[1] - at.north};
  const double range = det_sqrt(plot.from_sensor[0] * plot.from_sensor[0] +
                                plot.from_sensor[1] * plot.from_sensor[1]);
  // Near the sensor azimuth is ill-defined, so use plane coordinates.
  const double reach = det_sqrt(away[0] * away[0] + away[1] * away[1]);
  if (plot.polar != 0 && range > 10.0 * reach && range > 1.0) {
    const auto& m = plot.rotation;
    const double east = plot.from_sensor[0] + m[0][0] * away[0] + m[0][1] * away[1];
    const double north = plot.from_sensor[1] + m[1][0] * away[0] + m[1][1] * away[1];
    double d[2][2];
    const auto predicted = polar_of(east, north, d);
    double unused[2][2];
    const auto measured = polar_of(plot.from_sensor[0], plot.from_sensor[1], unused);
    n.difference[0] = measured[0] - predicted[0];
    double turn = measured[1] - predicted[1];
    turn = turn > kPi ? turn - 2.0 * kPi : turn < -kPi ? turn + 2.0 * kPi : turn;
    // Cross range in metres, so that every density is per square metre.
    n.difference[1] = turn * range;
    for (std::size_t j = 0; j < 2; ++j) {
      n.h[0][j] = d[0][0] * m[0][j] + d[0][1] * m[1][j];
      n.h[1][j] = (d[1][0] * m[0][j] + d[1][1] * m[1][j]) * range;
    }
    n.r[0][0] = plot.variance_range + plot.variance_place;
    n.r[1][1] = plot.variance_azimuth * range * range + plot.variance_place;
    return n;
  }
  n.difference[0] = -away[0];
  n.difference[1] = -away[1];
  n.h[0][0] = n.h[1][1] = 1.0;
  const double across = plot.variance_azimuth * range * range;
  double east = 0.0;
  double north = 1.0;
  if (range > 1e-9) {  // the line of sight in the contact's coordinates
    const auto& m = plot.rotation;
    east = (m[0][0] * plot.from_sensor[0] + m[1][0] * plot.from_sensor[1]) / range;
    north = (m[0][1] * plot.from_sensor[0] + m[1][1] * plot.from_sensor[1]) / range;
  }
  n.r[0][0] = plot.variance_range * east * east + across * north * north + plot.variance_place;
  n.r[1][1] = plot.variance_range * north * north + across * east * east + plot.variance_place;
  n.r[0][1] = n.r[1][0] = (plot.variance_range - across) * east * north;
  return n;
}

Fit fit_of(const Innovation& n, const State& state) {
  const Spread spread = spread_of(n, state);
  const double a = n.difference[0];
  const double b = n.difference[1];
  const double distance = (spread.s[1][1] * a * a - (spread.s[0][1] + spread.s[1][0]) * a * b +
                           spread.s[0][0] * b * b) /
                          spread.determinant;
  return {distance, -0.5 * (distance + det_log(spread.determinant)) - kLogTwoPi};
}

void update(State& state, const Innovation& n) {
  const Spread spread = spread_of(n, state);
  double inverse[2][2] = {
      {spread.s[1][1] / spread.determinant, -spread.s[0][1] / spread.determinant},
      {-spread.s[1][0] / spread.determinant, spread.s[0][0] / spread.determinant}};
  double ph[kStateSize][2];
  double gain[kStateSize][2];
  for (std::size_t i = 0; i < kStateSize; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      ph[i][j] = state.p[i][0] * n.h[j][0] + state.p[i][1] * n.h[j][1];
    }
  }
  for (std::size_t i = 0; i < kStateSize; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      gain[i][j] = ph[i][0] * inverse[0][j] + ph[i][1] * inverse[1][j];
    }
    state.x[i] += gain[i][0] * n.difference[0] + gain[i][1] * n.difference[1];
  }
  for (std::size_t i = 0; i < kStateSize; ++i) {
    for (std::size_t j = i; j < kStateSize; ++j) {
      state.p[i][j] -= gain[i][0] * ph[j][0] + gain[i][1] * ph[j][1];
      state.p[j][i] = state.p[i][j];
    }
  }
}

}  // namespace vedette::perceive
