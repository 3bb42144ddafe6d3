// Purpose: the interacting multiple model filter over the two motions (Bar-Shalom, Li, Kirubarajan
// 2001, 11.6.6), with updates by one plot or by several weighted ones.
// Runs on: the engine thread; no allocation; the same bits on every CPU.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/perceive/measurement.hpp"
#include "core/perceive/motion.hpp"

namespace vedette::perceive {

inline constexpr std::size_t kModels = 2;  // constant velocity, coordinated turn

struct Imm {
  std::array<State, kModels> model;
  std::array<double, kModels> weight;  // sums to 1
};

struct ImmNoise {
  std::array<MotionNoise, kModels> noise;
  double straight_s, turning_s;  // mean stay in each motion
};

void predict(Imm& imm, double dt, const ImmNoise& noise);
// Mean and covariance of the mixture.
State combined(const Imm& imm);
// The distance is that to the motion which fits best: what begins to turn is still its own.
Fit fit_of(const Imm& imm, const Measured& plot, const Offset& at);

// A plot with the probability that it is the contact's; what is left of 1 is "none of them".
struct Share {
  Measured plot;
  Offset at;  // in the contact's coordinates
  double probability;
};
void update(Imm& imm, std::span<const Share> shares);

// As it is remembered: each covariance once.
struct PackedImm {
  std::array<double, kModels*(kStateSize + kStateSize * (kStateSize + 1) / 2) + 1> values;
};
PackedImm packed(const Imm& imm);
Imm unpacked(const PackedImm& packed);

// The anchor moves by this; all coordinates follow.
void shift(Imm& imm, double east, double north);
void shift(PackedImm& imm, double east, double north);

}  // namespace vedette::perceive
