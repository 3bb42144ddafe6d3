// Associates one datagram's plots with contacts: candidates, gates, clusters, assignment.
#include <algorithm>
#include <cmath>

#include "base/math.hpp"
#include "core/perceive/contacts.hpp"

namespace vedette::perceive {
namespace {

// Extra gate for a straight-line prediction: a turning contact misses it by this much, or when
// worked backwards through a turn.
constexpr double kReachM = 20.0;
constexpr double kLateReachM = 100.0;

std::uint16_t find_root(std::span<std::uint16_t> root, std::uint16_t i) {
  while (root[i] != i) {
    root[i] = root[root[i]];
    i = root[i];
  }
  return i;
}

}  // namespace

void Contacts::find_candidates(const Group& group, std::span<const Plot> plots) {
  candidate_count_ = 0;
  std::size_t found = 0;
  for (const Plot& plot : plots) {
    const auto cell = [&](double metres) { return to_int64(std::floor(metres / cell_m_)); };
    const std::int64_t x = cell(plot.ecef[0]);
    const std::int64_t y = cell(plot.ecef[1]);
    const std::int64_t z = cell(plot.ecef[2]);
    for (int i = 0; i < 27; ++i) {
      const std::uint32_t bucket = bucket_of(x + i % 3 - 1, y + i / 3 % 3 - 1, z + i / 9 - 1);
      for (std::uint32_t c = cells_[bucket]; c != kNone; c = spots_[c].next) {
        const Spot& contact = spots_[c];
        if (candidate_of_[c] != kAlone) {
          continue;
        }
        const double dt = std::abs(seconds_between(contact.ns, group.ns));
        const double reach =
            tracker_.max_speed * dt + tracker_.gate_sigma * 2.0 * contact.sigma + cell_m_ * 0.25;
        if (distance(contact.ecef, plot.ecef) > reach) {
          continue;
        }
        if (found == kGroupContacts) {
          reached(TrackerBound::group_contacts);
        } else {
          candidate_of_[c] = 0;
          found_[found++] = c;
        }
      }
    }
  }
  // By slot, because the index's own order depends on its history.
  std::sort(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(found));
  for (std::size_t i = 0; i < found; ++i) {
    candidate_of_[found_[i]] = kAlone;
    add_candidate(found_[i], group.ns);
  }
}

void Contacts::add_candidate(std::uint32_t index, std::int64_t ns) {
  const Contact& c = contacts_[index];
  const bool late = ns < spots_[index].ns;
  std::size_t after = 0;
  while (late && after < c.past_count && look(index, after).ns > ns) {
    ++after;
  }
  if (after == c.past_count) {
    return;  // it is younger than this report, or its history is too short
  }
  Candidate& candidate = candidates_[candidate_count_];
  candidate.contact = index;
  candidate.after = static_cast<std::uint16_t>(after);
  candidate.late = late;
  candidate.count = 0;
  candidate.none = 1.0;
  candidate.imm = unpacked(look(index, after).after);
  predict(candidate.imm, seconds_between(late ? look(index, after).ns : spots_[index].ns, ns),
          noise_);
  candidate.state = combined(candidate.imm);
  candidate_of_[index] = static_cast<std::uint16_t>(candidate_count_++);
}

void Contacts::find_pairs(const Sensor& sensor, const Group& group, std::span<const Plot> plots) {
  pair_count_ = 0;
  const double gate = tracker_.gate_sigma * tracker_.gate_sigma;
  const double seen = det_log(sensor.detection / (sensor.clutter * (1.0 - sensor.detection)));
  for (std::size_t p = 0; p < plots.size(); ++p) {  // holds the gate until associate() runs
    const Plot& plot = plots[p];
    const double squared =
        plot.from_sensor[0] * plot.from_sensor[0] + plot.from_sensor[1] * plot.from_sensor[1];
    claimed_[p] =
        det_sqrt(plot.variance_range + plot.variance_azimuth * squared + 2.0 * plot.variance_place);
  }
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    const Candidate& candidate = candidates_[i];
    const Contact& c = contacts_[candidate.contact];
    // Gate that contains every model's gate.
    double spread = 0.0;
    for (const State& state : candidate.imm.model) {
      const double east = state.x[0] - candidate.state.x[0];
      const double north = state.x[1] - candidate.state.x[1];
      spread = std::max(spread, tracker_.gate_sigma * det_sqrt(state.p[0][0] + state.p[1][1]) +
                                    det_sqrt(east * east + north * north));
    }
    const Vector3 at_group = predicted_ecef(candidate.contact, group.ns);
    const double here[3] = {at_group.x, at_group.y, at_group.z};
    const double late = candidate.late ? kLateReachM : kReachM;
    for (std::size_t p = 0; p < plots.size(); ++p) {
      if (distance(here, plots[p].ecef) > spread + tracker_.gate_sigma * claimed_[p] + late) {
        continue;
      }
      const Offset at = offset_between(c.anchor, plots[p].place, c.parallel);
      const Fit fit = fit_of(candidate.imm, plots[p], at);
      const double gain = seen + fit.log_density;
      if (!(fit.distance <= gate) || !(gain > 0.0)) {  // rejects NaN too
        continue;
      }
      if (pair_count_ == kGroupPairs) {
        reached(TrackerBound::group_pairs);
      } else {
        pairs_[pair_count_++] = {gain, static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(p),
                                 kAlone};
      }
    }
  }
}

// Clusters what gates connect (union-find); candidates come first, then plots.
void Contacts::associate(std::span<const Plot> plots) {
  const std::size_t all = candidate_count_ + plots.size();
  for (std::size_t i = 0; i < all; ++i) {
    root_[i] = static_cast<std::uint16_t>(i);
    first_in_cluster_[i] = kAlone;
    first_pair_[i] = kAlone;
  }
  for (std::size_t p = 0; p < plots.size(); ++p) {
    claimed_[p] = 0.0;
  }
  for (std::size_t i = 0; i < pair_count_; ++i) {
    const std::uint16_t a = find_root(root_, pairs_[i].candidate);
    const std::uint16_t b =
        find_root(root_, static_cast<std::uint16_t>(candidate_count_ + pairs_[i].plot));
    root_[std::max(a, b)] = std::min(a, b);
  }
  for (std::size_t k = all; k-- > 0;) {
    const std::uint16_t root = find_root(root_, static_cast<std::uint16_t>(k));
    next_in_cluster_[k] = first_in_cluster_[root];
    first_in_cluster_[root] = static_cast<std::uint16_t>(k);
  }
  for (std::size_t i = pair_count_; i-- > 0;) {
    const std::uint16_t root = find_root(root_, pairs_[i].candidate);
    pairs_[i].next = first_pair_[root];
    first_pair_[root] = static_cast<std::uint16_t>(i);
  }
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    if (first_pair_[i] == kAlone) {
      continue;
    }
    cluster_candidate_count_ = cluster_plot_count_ = 0;
    for (std::uint16_t k = first_in_cluster_[i]; k != kAlone; k = next_in_cluster_[k]) {
      if (k >= candidate_count_) {
        place_in_cluster_[k] = static_cast<std::uint16_t>(cluster_plot_count_);
        cluster_plots_[cluster_plot_count_++] = static_cast<std::uint16_t>(k - candidate_count_);
      } else if (cluster_candidate_count_ < kAssignContacts) {
        place_in_cluster_[k] = static_cast<std::uint16_t>(cluster_candidate_count_);
        cluster_candidates_[cluster_candidate_count_++] = k;
      } else {
        place_in_cluster_[k] = kAlone;
        reached(TrackerBound::cluster_contacts);
      }
    }
    share_out(plots, first_pair_[i]);
  }
}

void Contacts::share_out(std::span<const Plot> plots, std::uint16_t first_pair) {
  const std::size_t rows = cluster_candidate_count_;
  const std::size_t columns = cluster_plot_count_;
  const std::span<double> gain = gain_.first(rows * columns);
  std::fill(gain.begin(), gain.end(), kImpossible);
  for (std::uint16_t i = first_pair; i != kAlone; i = pairs_[i].next) {
    const std::uint16_t row = place_in_cluster_[pairs_[i].candidate];
    if (row != kAlone) {
      gain[row * columns + place_in_cluster_[candidate_count_ + pairs_[i].plot]] = pairs_[i].gain;
    }
  }
  if (rows > 1 && rows <= kJointContacts && columns <= kJointPlots) {
    joint_probabilities(gain, rows, columns, probability_);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < columns; ++k) {
        const double probability = probability_[r * columns + k];
        if (probability > 0.02) {
          give(candidates_[cluster_candidates_[r]], cluster_plots_[k], plots[cluster_plots_[k]],
               probability);
        }
      }
    }
    return;
  }
  assign(gain, rows, columns, *space_, plot_of_);
  for (std::size_t r = 0; r < rows; ++r) {
    if (plot_of_[r] != kAlone) {
      const std::uint16_t plot = cluster_plots_[plot_of_[r]];
      give(candidates_[cluster_candidates_[r]], plot, plots[plot], 1.0);
    }
  }
}

void Contacts::give(Candidate& candidate, std::uint16_t plot, const Plot& value,
                    double probability) {
  std::size_t at = candidate.count;
  if (at == kShares) {  // replaces the least probable
    at = 0;
    for (std::size_t i = 1; i < kShares; ++i) {
      at = candidate.shares[i].probability < candidate.shares[at].probability ? i : at;
    }
    if (candidate.shares[at].probability >= probability) {
      return;
    }
    candidate.none += candidate.shares[at].probability;
  } else {
    ++candidate.count;
  }
  const Contact& c = contacts_[candidate.contact];
  candidate.shares[at] = {static_cast<const Measured&>(value),
                          offset_between(c.anchor, value.place, c.parallel), probability};
  candidate.plots[at] = plot;
  candidate.none -= probability;
  claimed_[plot] += probability;
}

}  // namespace vedette::perceive
