#include "core/perceive/imm.hpp"

#include "base/math.hpp"

namespace vedette::perceive {
namespace {

constexpr double kLeastWeight = 1e-6;  // a model at zero weight could never recover

// Adds a weighted state to a mixture whose mean is known.
void add_spread(State& sum, const State& part, double weight) {
  std::array<double, kStateSize> away;
  for (std::size_t i = 0; i < kStateSize; ++i) {
    away[i] = part.x[i] - sum.x[i];
  }
  for (std::size_t i = 0; i < kStateSize; ++i) {
    for (std::size_t j = 0; j < kStateSize; ++j) {
      sum.p[i][j] += weight * (part.p[i][j] + away[i] * away[j]);
    }
  }
}

template <std::size_t N>
State mixture(const std::array<const State*, N>& parts, const std::array<double, N>& weights,
              std::size_t count) {
  State sum{};
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t i = 0; i < kStateSize; ++i) {
      sum.x[i] += weights[k] * parts[k]->x[i];
    }
  }
  for (std::size_t k = 0; k < count; ++k) {
    add_spread(sum, *parts[k], weights[k]);
  }
  return sum;
}

void set_weights(Imm& imm, double first, double second) {
  const double sum = first + second;
  const double share = sum > 0.0 ? first / sum : 0.5;
  imm.weight[0] = share < kLeastWeight         ? kLeastWeight
                  : share > 1.0 - kLeastWeight ? 1.0 - kLeastWeight
                                               : share;
  imm.weight[1] = 1.0 - imm.weight[0];
}

}  // namespace

void predict(Imm& imm, double dt, const ImmNoise& n) {
  if (dt <= 0.0) {
    return;
  }
  const double leave[kModels] = {1.0 - det_exp(-dt / n.straight_s),
                                 1.0 - det_exp(-dt / n.turning_s)};
  // Joint probability of model i before and j now.
  const double to[kModels][kModels] = {
      {imm.weight[0] * (1.0 - leave[0]), imm.weight[0] * leave[0]},
      {imm.weight[1] * leave[1], imm.weight[1] * (1.0 - leave[1])}};
  const double now[kModels] = {to[0][0] + to[1][0], to[0][1] + to[1][1]};
  const std::array<const State*, kModels> before{&imm.model[0], &imm.model[1]};
  const std::array<State, kModels> mixed{
      mixture<kModels>(before, {to[0][0] / now[0], to[1][0] / now[0]}, kModels),
      mixture<kModels>(before, {to[0][1] / now[1], to[1][1] / now[1]}, kModels)};
  imm.model = mixed;
  predict_constant_velocity(imm.model[0], dt, n.noise[0]);
  predict_coordinated_turn(imm.model[1], dt, n.noise[1]);
  set_weights(imm, now[0], now[1]);
}

State combined(const Imm& imm) {
  return mixture<kModels>({&imm.model[0], &imm.model[1]}, imm.weight, kModels);
}

Fit fit_of(const Imm& imm, const Measured& plot, const Offset& at) {
  Fit fit{};
  double density = 0.0;
  for (std::size_t m = 0; m < kModels; ++m) {
    const Fit one = fit_of(innovation_of(plot, at, imm.model[m]), imm.model[m]);
    density += imm.weight[m] * det_exp(one.log_density);
    fit.distance = m == 0 || one.distance < fit.distance ? one.distance : fit.distance;
  }
  fit.log_density = density > 0.0 ? det_log(density) : -1e9;
  return fit;
}

void update(Imm& imm, std::span<const Share> shares) {
  constexpr std::size_t kMost = 8;
  const std::size_t count = shares.size() < kMost ? shares.size() : kMost;
  std::array<std::array<double, kMost>, kModels> density{};
  std::array<double, kMost> overall{};
  for (std::size_t m = 0; m < kModels; ++m) {
    for (std::size_t k = 0; k < count; ++k) {
      const Innovation n = innovation_of(shares[k].plot, shares[k].at, imm.model[m]);
      density[m][k] = det_exp(fit_of(n, imm.model[m]).log_density);
      overall[k] += imm.weight[m] * density[m][k];
    }
  }
  double none = 1.0;
  for (std::size_t k = 0; k < count; ++k) {
    none -= shares[k].probability;
  }
  none = none > 0.0 ? none : 0.0;
  double likelihood[kModels];
  for (std::size_t m = 0; m < kModels; ++m) {
    std::array<State, kMost + 1> posterior;
    std::array<const State*, kMost + 1> parts;
    std::array<double, kMost + 1> weights{};
    std::size_t used = 0;
    double sum = 0.0;
    const auto add = [&](const State& state, double weight) {
      posterior[used] = state;
      parts[used] = &posterior[used];
      weights[used++] = weight;
      sum += weight;
    };
    if (none > 0.0) {
      add(imm.model[m], none);
    }
    for (std::size_t k = 0; k < count; ++k) {
      // Likelihood of the plot under this model, relative to all models.
      const double ratio = overall[k] > 0.0 ? density[m][k] / overall[k] : 1.0;
      State after = imm.model[m];
      update(after, innovation_of(shares[k].plot, shares[k].at, after));
      add(after, shares[k].probability * ratio);
    }
    likelihood[m] = sum;
    if (sum > 0.0) {
      for (std::size_t k = 0; k < used; ++k) {
        weights[k] /= sum;
      }
      imm.model[m] = used == 1 ? posterior[0] : mixture(parts, weights, used);
    }
  }
  set_weights(imm, imm.weight[0] * likelihood[0], imm.weight[1] * likelihood[1]);
}

PackedImm packed(const Imm& imm) {
  PackedImm out;
  std::size_t at = 0;
  for (const State& state : imm.model) {
    for (std::size_t i = 0; i < kStateSize; ++i) {
      out.values[at++] = state.x[i];
    }
    for (std::size_t i = 0; i < kStateSize; ++i) {
      for (std::size_t j = i; j < kStateSize; ++j) {
        out.values[at++] = state.p[i][j];
      }
    }
  }
  out.values[at] = imm.weight[0];
  return out;
}

Imm unpacked(const PackedImm& packed) {
  Imm imm;
  std::size_t at = 0;
  for (State& state : imm.model) {
    for (std::size_t i = 0; i < kStateSize; ++i) {
      state.x[i] = packed.values[at++];
    }
    for (std::size_t i = 0; i < kStateSize; ++i) {
      for (std::size_t j = i; j < kStateSize; ++j) {
        state.p[i][j] = state.p[j][i] = packed.values[at++];
      }
    }
  }
  imm.weight = {packed.values[at], 1.0 - packed.values[at]};
  return imm;
}

void shift(PackedImm& imm, double east, double north) {
  constexpr std::size_t kModel = kStateSize + kStateSize * (kStateSize + 1) / 2;
  for (std::size_t m = 0; m < kModels; ++m) {
    imm.values[m * kModel] -= east;
    imm.values[m * kModel + 1] -= north;
  }
}

void shift(Imm& imm, double east, double north) {
  for (State& state : imm.model) {
    state.x[0] -= east;
    state.x[1] -= north;
  }
}

}  // namespace vedette::perceive
