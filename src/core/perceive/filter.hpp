// Purpose: the constant-velocity filter of one track, or of four at a time (base/lanes.hpp), with
// equal variances on both axes (Bar-Shalom, Li, Kirubarajan 2001, 5.2 and 6.2.2). It sums its moves
// in a Way, so that the caller computes the position once.
#pragma once

#include "base/geo_near.hpp"
#include "base/series.hpp"
#include "model/tracker.hpp"

namespace vedette::perceive {

// Offsets up to this long add in the plane to within centimetres.
inline constexpr double kPlaneM = 1000.0;

template <typename T>
struct Filter {
  T velocity_east, velocity_north;  // m/s
  T variance_position;              // m^2, each axis
  T covariance;                     // m^2/s
  T variance_velocity;              // m^2/s^2
};

template <typename T>
T square_of(const near::Way<T>& way) {
  return way.east * way.east + way.north * way.north;
}

// `dt` seconds forward, never back.
template <typename T>
void predict(Filter<T>& f, T acceleration, T dt, near::Way<T>& way) {
  way.east += f.velocity_east * dt;
  way.north += f.velocity_north * dt;
  const T q = acceleration * acceleration;
  f.variance_position =
      predicted_variance(f.variance_position, f.covariance, f.variance_velocity, acceleration, dt);
  f.covariance += dt * (f.variance_velocity + q * dt * 0.5);
  f.variance_velocity += q * dt;
}

// Update by a measured position `innovation` away from the prediction; returns the normalised
// innovation squared (2 degrees of freedom).
template <typename T>
T take_position(Filter<T>& f, const near::Way<T>& innovation, T sigma, near::Way<T>& way) {
  const T s = 1.0 / (f.variance_position + sigma * sigma);
  const T gain_position = f.variance_position * s;
  const T gain_velocity = f.covariance * s;
  way.east += gain_position * innovation.east;
  way.north += gain_position * innovation.north;
  f.velocity_east += gain_velocity * innovation.east;
  f.velocity_north += gain_velocity * innovation.north;
  const T remaining = 1.0 - gain_position;
  f.variance_velocity -= gain_velocity * f.covariance;
  f.variance_position *= remaining;
  f.covariance *= remaining;
  return square_of(innovation) * s;
}

// Noise: speed is sent in steps of 0.05 m/s and course in tenths of a degree; receivers smooth
// both.
template <typename T>
void take_velocity(Filter<T>& f, T speed, T course_radians, near::Way<T>& way) {
  const series::SinCosOf<T> course = series::sincos(course_radians);
  const T east = speed * course.sin;
  const T north = speed * course.cos;
  const T sigma = 0.3 + 0.02 * speed;
  const T s = 1.0 / (f.variance_velocity + sigma * sigma);
  const T gain_position = f.covariance * s;
  const T gain_velocity = f.variance_velocity * s;
  const T de = east - f.velocity_east;
  const T dn = north - f.velocity_north;
  way.east += gain_position * de;
  way.north += gain_position * dn;
  f.velocity_east += gain_velocity * de;
  f.velocity_north += gain_velocity * dn;
  const T remaining = 1.0 - gain_velocity;
  f.variance_position -= gain_position * f.covariance;
  f.variance_velocity *= remaining;
  f.covariance *= remaining;
}

}  // namespace vedette::perceive
