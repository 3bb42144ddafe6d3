// Purpose: which plot is whose: the best assignment of plots to contacts, and the probabilities of
// all of them where contacts share plots.
// Bound: kAssignContacts by kAssignPlots; callers hand over no more. Runs on: the engine thread; no
// allocation; the same bits on every CPU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vedette::perceive {

inline constexpr std::size_t kAssignContacts = 256;
inline constexpr std::size_t kAssignPlots = 256;
inline constexpr double kImpossible = -1e18;
inline constexpr std::uint16_t kAlone = 0xFFFF;

// What it works in, so that nothing is on the stack of a hot thread.
struct AssignmentSpace {
  std::array<double, kAssignContacts + 1> row;
  std::array<double, kAssignPlots + kAssignContacts + 1> column, least;
  std::array<std::uint16_t, kAssignPlots + kAssignContacts + 1> taken_by, way;
  std::array<bool, kAssignPlots + kAssignContacts + 1> done;
};

// `gain` is contacts by plots, row by row: log of how much likelier the pair is than both alone,
// kImpossible where they do not go together. Fills for each contact its plot or kAlone, so that the
// sum of the gains is the largest (shortest augmenting paths: Jonker and Volgenant 1987).
void assign(std::span<const double> gain, std::size_t contacts, std::size_t plots,
            AssignmentSpace& space, std::span<std::uint16_t> plot_of);

// Joint probabilistic data association over a cluster of at most kJointContacts and kJointPlots.
// Of the hypotheses that see the same contacts with the same plots only the likeliest counts, so
// that contacts close together do not run into one (JPDA*, Blom and Bloem 2000). Fills
// probability[contact * plots + plot].
inline constexpr std::size_t kJointContacts = 4;
inline constexpr std::size_t kJointPlots = 6;
void joint_probabilities(std::span<const double> gain, std::size_t contacts, std::size_t plots,
                         std::span<double> probability);

}  // namespace vedette::perceive
