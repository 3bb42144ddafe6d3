// Purpose: evaluates an expression of the plan on one subject. It is the reference: faster paths
// (prefilter.hpp) are tested against it. Bound: limits::kExpressionOps operations. Fails as: an
// unknown value is NaN. Runs on: the engine thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "model/fields.hpp"
#include "model/plan_generated.h"
#include "model/source_facts.hpp"
#include "model/zone.hpp"

namespace vedette::assess {

// Shared by everything that one step judges.
struct World {
  FieldContext at;
  const Track* own = nullptr;               // null: own ship is unknown
  Mode mode = Mode::normal;                 // in safe mode only `safe = true` is judged
  std::span<const Zone> zones;              // of the plan
  std::span<const FieldReader> readers;     // by SubjectKind
  const plan::Plan* plan = nullptr;         // texts of its conditions, its time zone
  std::span<const std::uint32_t> counts{};  // of the plan's counts
};

// One subject, as conditions read it.
struct View {
  const World* world = nullptr;
  std::array<const void*, kSubjectKinds> objects{};  // by SubjectKind; null: its fields are unknown
  // The track's other place, while no report has shown which is true.
  const Track* second = nullptr;
  bool second_unseen = false;
  bool of_second = false;  // `track` is that other place
  bool of_pair = false;
  double level = 0.0;       // decisions only
  double confidence = 0.0;  // decisions only
  // Cache: several conditions use the same approach.
  mutable Approach approach{};
  mutable bool approach_known = false;

  const Track* track() const { return as_track(SubjectKind::track); }
  const Track* own() const { return as_track(SubjectKind::own); }
  // What the subject is compared with: the other of a pair, else own ship.
  // Whose field the operation loads, where that is a track.
  const Track* track_of(OpCode load) const {
    return load == OpCode::load_own ? own() : load == OpCode::load_b ? other() : track();
  }
  const Track* other() const { return of_pair ? as_track(SubjectKind::pair) : own(); }
  const SourceFacts* source() const {
    return static_cast<const SourceFacts*>(objects[static_cast<std::size_t>(SubjectKind::source)]);
  }
  void set(SubjectKind kind, const void* object) {
    objects[static_cast<std::size_t>(kind)] = object;
  }

 private:
  const Track* as_track(SubjectKind kind) const {
    return static_cast<const Track*>(objects[static_cast<std::size_t>(kind)]);
  }
};

// Whether a text fits a pattern, in which `*` is any text and `?` any character. Small letters
// equal capitals, because AIS has only these. Bound: both lengths multiplied.
bool fits_pattern(std::string_view text, std::string_view pattern);
bool equals_folded(std::string_view text, std::string_view other);

// Unknown without a position, or without own ship's where the zone moves with it.
double inside_zone(const Track* track, const Zone& zone, const Track* own);

// The approach to own ship, or of a pair; conditions and messages share its horizon.
inline constexpr double kApproachHorizonS = 7200.0;
Approach approach_of(const View& view);
// False if the two cannot come within kApproachRangeM by that horizon on any course; a message then
// omits their approach.
inline constexpr double kApproachRangeM = 150'000.0;
bool may_approach(const View& view);

// 1 true, 0 false, or the value of an expression that is no condition; NaN unknown. The plan's
// loader has checked the operations.
double evaluate(std::span<const plan::Op> ops, const View& view);

}  // namespace vedette::assess
