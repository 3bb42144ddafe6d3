// Purpose: data association: the best assignment of plots to contacts, and the probabilities of all
// assignments where contacts share plots. Bound: kAssignContacts by kAssignPlots, enforced by
// callers. Runs on: the engine thread; no allocation; the same bits on every CPU.
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

// Scratch space, which keeps a hot thread's stack small.
struct AssignmentSpace {
  std::array<double, kAssignContacts + 1> row;
  std::array<double, kAssignPlots + kAssignContacts + 1> column, least;
  std::array<std::uint16_t, kAssignPlots + kAssignContacts + 1> taken_by, way;
  std::array<bool, kAssignPlots + kAssignContacts + 1> done;
};

// `gain` is a matrix of contacts by plots, row by row: log of the pair's likelihood over both being
// separate; kImpossible outside the gate. Fills each contact's plot or kAlone so that the sum of
// gains is maximal (shortest augmenting paths: Jonker and Volgenant 1987).
void assign(std::span<const double> gain, std::size_t contacts, std::size_t plots,
            AssignmentSpace& space, std::span<std::uint16_t> plot_of);

// Joint probabilistic data association in a cluster of at most kJointContacts and kJointPlots. Of
// hypotheses with the same contacts and plots only the likeliest counts, so that close contacts do
// not coalesce (JPDA*, Blom and Bloem 2000). Fills probability[contact * plots + plot].
inline constexpr std::size_t kJointContacts = 4;
inline constexpr std::size_t kJointPlots = 6;
void joint_probabilities(std::span<const double> gain, std::size_t contacts, std::size_t plots,
                         std::span<double> probability);

}  // namespace vedette::perceive
