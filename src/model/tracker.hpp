// Purpose: how things of one kind move and how knowledge of them ages; declared per kind in the
// plan.
#pragma once

#include <array>

#include "base/math.hpp"
#include "model/track.hpp"

namespace vedette {

struct Tracker {
  double acceleration;    // m/s^2, spectral root of the white noise that drives velocity
  double max_speed;       // m/s; anything faster is a jump
  double gate_sigma;      // standard deviations
  double position_sigma;  // m, of a source that gives no figure
  double half_life_s;     // time in which confidence halves
  double halving_sigma;   // m, position deviation that halves confidence
  double coast_s, lost_s, retire_s;
  std::uint32_t confirm_updates;
};
using Trackers = std::array<Tracker, static_cast<std::size_t>(IdentityKind::count)>;

inline double seconds_between(std::int64_t from_ns, std::int64_t to_ns) {
  return static_cast<double>(sub_ns(to_ns, from_ns)) * 1e-9;
}

// Position variance of each axis, predicted `dt` seconds past the filter's state (white-noise
// acceleration; Bar-Shalom, Li, Kirubarajan 2001, 6.2.2).
template <typename T>
T predicted_variance(T variance_position, T covariance, T variance_velocity, T acceleration, T dt) {
  const T q = acceleration * acceleration;
  return variance_position +
         dt * (2.0 * covariance + dt * (variance_velocity + q * dt * (1.0 / 3.0)));
}
inline double predicted_variance(const Track& t, const Tracker& k, double dt) {
  return predicted_variance(t.variance_position, t.covariance, t.variance_velocity, k.acceleration,
                            dt);
}

// 0..1: certainty that the thing moves.
inline double moving_confidence(const Track& t) {
  const double squared = t.velocity_east * t.velocity_east + t.velocity_north * t.velocity_north;
  return t.updates == 0 || !(t.variance_velocity > 0.0)
             ? 0.0
             : 1.0 - det_exp(-squared / (2.0 * t.variance_velocity));
}

// 0..1: the filter's confidence in the position, halved with each half-life of silence.
inline double confidence_of(const Track& t, const Tracker& k, std::int64_t now_ns) {
  if (t.updates == 0) {
    return 0.0;
  }
  const double age = seconds_between(t.observed_ns, now_ns);
  const double since = seconds_between(t.filter_ns, now_ns);
  const double variance = predicted_variance(t, k, since > 0.0 ? since : 0.0);
  const double known = 1.0 / (1.0 + variance / (k.halving_sigma * k.halving_sigma));
  const double fresh = det_exp(-0.69314718055994530942 * (age > 0.0 ? age : 0.0) / k.half_life_s);
  return known * fresh;
}

}  // namespace vedette
