// Purpose: maps one plan's indices to another plan's by name and type, so that belief outlives a
// change of the site file; counts what was carried and what left.
// In: the plan that the state was frozen under, and the new one. Bound: the limits of a plan.
// Runs on: cold threads, at start and in replays that cross a change; allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "model/carry_report.hpp"
#include "model/event.hpp"
#include "model/limits.hpp"
#include "model/plan_generated.h"

namespace vedette {

class Carry {
 public:
  static constexpr std::uint16_t kGone = 0xFFFF;
  static constexpr std::uint32_t kGoneSlot = 0xFFFFFFFF;

  // From a plan to itself: the identity.
  Carry() = default;
  // `slots`: one entry for each track of the old plan; used when the new table is smaller.
  Carry(const plan::Plan& from, const plan::Plan& to, std::span<std::uint32_t> slots);

  bool same() const { return from_ == nullptr; }
  const plan::Plan* from() const { return from_; }

  std::uint16_t source(std::uint16_t old) const { return at(sources_, old); }
  std::uint16_t sink(std::uint16_t old) const { return at(sinks_, old); }
  std::uint16_t action(std::uint16_t old) const { return at(actions_, old); }
  std::uint16_t assessment(std::uint16_t old) const { return at(assessments_, old); }
  std::uint16_t decision(std::uint16_t old) const { return at(decisions_, old); }
  // Contacts refer to sensors by number, so they are carried only when all sensors stay.
  bool contacts_stay() const { return contacts_stay_; }
  std::uint32_t source_mask(std::uint32_t old) const;

  // New slot of a track of the old table; kGoneSlot: it left.
  std::uint32_t slot(std::uint32_t old) const {
    return !moved_ ? old : old < slots_.size() ? slots_[old] : kGoneSlot;
  }
  void move_tracks() { moved_ = true; }
  bool tracks_moved() const { return moved_; }
  std::span<std::uint32_t> slots() { return slots_; }

  CarryReport report{};

 private:
  template <std::size_t N>
  std::uint16_t at(const std::array<std::uint16_t, N>& map, std::uint16_t old) const {
    return same() ? old : old < N ? map[old] : kGone;
  }

  const plan::Plan* from_ = nullptr;
  std::array<std::uint16_t, limits::kSources> sources_{};
  std::array<std::uint16_t, limits::kSinks> sinks_{};
  std::array<std::uint16_t, limits::kActions> actions_{};
  std::array<std::uint16_t, limits::kAssessments> assessments_{};
  std::array<std::uint16_t, limits::kDecisions> decisions_{};
  std::span<std::uint32_t> slots_;
  bool contacts_stay_ = true;
  bool moved_ = false;
};

}  // namespace vedette
