// Purpose: the interacting multiple model filter over two motions (Bar-Shalom, Li, Kirubarajan
// 2001, 11.6.6), updated by one plot or several weighted ones. Runs on: the engine thread; no
// allocation; the same bits on every CPU.
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
  double straight_s, turning_s;  // mean duration of each motion
};

void predict(Imm& imm, double dt, const ImmNoise& noise);
// Mean and covariance of the mixture.
State combined(const Imm& imm);
// Distance to the best fitting motion, so that a plot fits a contact that begins to turn.
Fit fit_of(const Imm& imm, const Measured& plot, const Offset& at);

// A plot with its association probability; the rest to 1 is "no plot".
struct Share {
  Measured plot;
  Offset at;  // in the contact's coordinates
  double probability;
};
void update(Imm& imm, std::span<const Share> shares);

// Compact history entry: each covariance stored once.
struct PackedImm {
  std::array<double, kModels*(kStateSize + kStateSize * (kStateSize + 1) / 2) + 1> values;
};
PackedImm packed(const Imm& imm);
Imm unpacked(const PackedImm& packed);

// Moves the anchor and with it all coordinates.
void shift(Imm& imm, double east, double north);
void shift(PackedImm& imm, double east, double north);

}  // namespace vedette::perceive
