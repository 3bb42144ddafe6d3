// Purpose: motion models of a contact: constant velocity and coordinated turn. Coordinates are
// metres east and north of the contact's anchor. Runs on: the engine thread; no allocation; the
// same bits on every CPU.
#pragma once

#include <array>

namespace vedette::perceive {

inline constexpr std::size_t kStateSize = 5;

// East, north (m), their velocities (m/s), turn rate (rad/s, from east towards north positive).
struct State {
  std::array<double, kStateSize> x;
  std::array<std::array<double, kStateSize>, kStateSize> p;  // covariance
};
using Jacobian = std::array<std::array<double, kStateSize>, kStateSize>;

struct MotionNoise {
  double acceleration;  // spectral root of the acceleration's white noise
  double turn;          // the same for changes of the turn rate, rad/s per root second
  double turn_prior;    // rad/s: prior of the turn rate while it goes straight
};

// White-noise acceleration (Bar-Shalom, Li, Kirubarajan 2001, 6.2.2). The turn rate is zero, known
// to `turn_prior`. dt >= 0, in seconds.
void predict_constant_velocity(State& state, double dt, const MotionNoise& noise);

// Coordinated turn with unknown rate (ibid., 11.7.1), by the extended filter.
void predict_coordinated_turn(State& state, double dt, const MotionNoise& noise);
// The predicted state, and its derivative by each element.
std::array<double, kStateSize> coordinated_turn(const std::array<double, kStateSize>& x, double dt,
                                                Jacobian& derivative);

}  // namespace vedette::perceive
