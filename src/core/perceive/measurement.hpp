// Purpose: one plot's measurement of a contact's position, and the extended Kalman update. Runs on:
// the engine thread; no allocation; the same bits on every CPU.
#pragma once

#include <array>
#include <cstdint>

#include "base/geo.hpp"
#include "core/perceive/motion.hpp"

namespace vedette::perceive {

// A report's part in an update.
struct Measured {
  double from_sensor[2];    // m east and north in the sensor's tangent plane
  double rotation[2][2];    // from the plane at the plot to the sensor's
  double variance_range;    // m^2
  double variance_azimuth;  // rad^2
  double variance_place;    // m^2, each axis: the target's extent
  std::uint8_t polar;       // 1: range and azimuth were measured, 0: east and north
  std::uint8_t reserved[7];
};

// A sensor's report with its position.
struct Plot : Measured {
  Place place;
  double ecef[3];             // m
  std::uint64_t event;        // sequence
  std::uint64_t identity;     // identity it transmits; 0: none
  std::uint64_t merged;       // number of reports merged
  std::uint16_t squawk_next;  // as in Particulars
  std::uint8_t unused[6];
};

// A plot relative to a predicted state: difference, its derivative by position, and its noise.
struct Innovation {
  double difference[2];
  double h[2][2];
  double r[2][2];
};
// `at` is the plot's offset in the contact's coordinates.
Innovation innovation_of(const Measured& plot, const Offset& at, const State& state);

// Range (m) and azimuth (rad, clockwise from north) of a point in the sensor's plane, and the
// derivatives of both by east and north.
std::array<double, 2> polar_of(double east, double north, double (&derivative)[2][2]);

struct Fit {
  double distance;     // squared, normalised: 2 degrees of freedom
  double log_density;  // of the difference under its covariance, per square metre
};
Fit fit_of(const Innovation& innovation, const State& state);
void update(State& state, const Innovation& innovation);

}  // namespace vedette::perceive
