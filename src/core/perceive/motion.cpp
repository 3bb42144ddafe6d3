#include "core/perceive/motion.hpp"

#include "base/math.hpp"

namespace vedette::perceive {
namespace {

void add_noise(State& s, double dt, double acceleration) {
  const double q = acceleration * acceleration;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    s.p[axis][axis] += q * dt * dt * dt / 3.0;
    s.p[axis][axis + 2] += q * dt * dt / 2.0;
    s.p[axis + 2][axis] += q * dt * dt / 2.0;
    s.p[axis + 2][axis + 2] += q * dt;
  }
}

}  // namespace

void predict_constant_velocity(State& s, double dt, const MotionNoise& noise) {
  s.x[0] += s.x[2] * dt;
  s.x[1] += s.x[3] * dt;
  s.x[4] = 0.0;
  for (std::size_t i = 0; i < kStateSize; ++i) {
    s.p[4][i] = s.p[i][4] = 0.0;
  }
  // F P F', where F adds dt * velocity to the position.
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      s.p[i][j] += dt * s.p[i + 2][j];
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      s.p[i][j] += dt * s.p[i][j + 2];
    }
  }
  s.p[4][4] = noise.turn_prior * noise.turn_prior;
  add_noise(s, dt, noise.acceleration);
}

std::array<double, kStateSize> coordinated_turn(const std::array<double, kStateSize>& x, double dt,
                                                Jacobian& f) {
  const double w = x[4];
  const double angle = w * dt;
  const SinCos turn = det_sincos(angle);
  // sin(wT)/w and (1 - cos(wT))/w and their derivatives by w; by series near zero.
  double along = 0.0;
  double across = 0.0;
  double along_w = 0.0;
  double across_w = 0.0;
  if (angle > -1e-3 && angle < 1e-3) {
    along = dt * (1.0 - angle * angle / 6.0);
    across = dt * (angle / 2.0 - angle * angle * angle / 24.0);
    along_w = dt * dt * (-angle / 3.0 + angle * angle * angle / 30.0);
    across_w = dt * dt * (0.5 - angle * angle / 8.0);
  } else {
    along = turn.sin / w;
    across = (1.0 - turn.cos) / w;
    along_w = (dt * turn.cos - along) / w;
    across_w = (dt * turn.sin - across) / w;
  }
  for (auto& row : f) {
    row.fill(0.0);
  }
  f[0] = {1.0, 0.0, along, -across, along_w * x[2] - across_w * x[3]};
  f[1] = {0.0, 1.0, across, along, across_w * x[2] + along_w * x[3]};
  f[2] = {0.0, 0.0, turn.cos, -turn.sin, -dt * (turn.sin * x[2] + turn.cos * x[3])};
  f[3] = {0.0, 0.0, turn.sin, turn.cos, dt * (turn.cos * x[2] - turn.sin * x[3])};
  f[4][4] = 1.0;
  return {x[0] + along * x[2] - across * x[3], x[1] + across * x[2] + along * x[3],
          turn.cos * x[2] - turn.sin * x[3], turn.sin * x[2] + turn.cos * x[3], w};
}

void predict_coordinated_turn(State& s, double dt, const MotionNoise& noise) {
  Jacobian f;
  s.x = coordinated_turn(s.x, dt, f);
  std::array<std::array<double, kStateSize>, kStateSize> fp;
  for (std::size_t i = 0; i < kStateSize; ++i) {
    for (std::size_t j = 0; j < kStateSize; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < kStateSize; ++k) {
        sum += f[i][k] * s.p[k][j];
      }
      fp[i][j] = sum;
    }
  }
  for (std::size_t i = 0; i < kStateSize; ++i) {
    for (std::size_t j = i; j < kStateSize; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < kStateSize; ++k) {
        sum += fp[i][k] * f[j][k];
      }
      s.p[i][j] = s.p[j][i] = sum;
    }
  }
  add_noise(s, dt, noise.acceleration);
  s.p[4][4] += noise.turn * noise.turn * dt;
}

}  // namespace vedette::perceive
